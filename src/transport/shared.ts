import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Connection } from "./connection.js";
import { onAbort } from "./on-abort.js";

/**
 * A connection that shares a transport with others: closing it ends its own calls alone, and leaves the transport as it
 * was.
 */
export function sharedConnection(transport: Transport): Connection {
  const open = new Set<() => void>();
  let isClosed = false;
  const checkOpen = () => {
    if (isClosed) throw closed();
  };

  return {
    transport: {
      async unary(...[method, ...rest]) {
        checkOpen();
        return new Promise((resolve, reject) => {
          const cut = () => reject(closed());
          open.add(cut);
          const end = () => open.delete(cut);
          transport
            .unary(method, ...rest)
            .then(resolve, reject)
            .finally(end);
        });
      },
      async stream(...[method, signal, ...rest]) {
        checkOpen();
        const aborter = new AbortController();
        const cut = () => aborter.abort(closed());
        open.add(cut);
        const forget = onAbort(signal, () => aborter.abort(signal?.reason));
        aborter.signal.addEventListener("abort", () => open.delete(cut), { once: true });
        const end = () => {
          open.delete(cut);
          forget();
        };
        try {
          const response = await transport.stream(method, aborter.signal, ...rest);
          return { ...response, message: untilEnd(response.message, end) };
        } catch (error) {
          end();
          throw error;
        }
      },
    },
    close() {
      isClosed = true;
      for (const cut of open) cut();
    },
  };
}

/** The same messages; `end` is called after the last one, or after a failure. */
async function* untilEnd<Message>(
  messages: AsyncIterable<Message>,
  end: () => void,
): AsyncGenerator<Message, void> {
  try {
    yield* messages;
  } finally {
    end();
  }
}

function closed(): ConnectError {
  return new ConnectError("the client is closed", Code.FailedPrecondition);
}
