import { clockOf, type PortName, pause, type Target } from "../target.js";
import { paths } from "./paths.js";
import { frame, frameTypes, RawHttp2, requestHeaders } from "./raw-http2.js";

const AT_ONCE = 2_000;
/** Of this type nobody has heard. */
const UNKNOWN_TYPE = 0xbe;

const floods: Readonly<Record<string, (stream: number) => Buffer>> = {
  ping: () => frame(frameTypes.ping, 0, 0, Buffer.alloc(8)),
  settings: () => frame(frameTypes.settings, 0, 0),
  priority: (stream) => frame(frameTypes.priority, 0, stream + 2, Buffer.from([0, 0, 0, 0, 1])),
  emptyData: (stream) => frame(frameTypes.data, 0, stream),
  windowUpdate: () => frame(frameTypes.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1])),
  unknown: () => frame(UNKNOWN_TYPE, 0, 0, Buffer.alloc(32)),
};
export type FloodName = keyof typeof floods;
export const floodNames = Object.keys(floods);

/**
 * One connection that sends nothing but such frames until it is closed, then the next one.
 *
 * @param most connections
 * @returns how many were closed
 */
export async function flood(
  target: Target,
  port: PortName,
  name: FloodName,
  most = Number.POSITIVE_INFINITY,
): Promise<number> {
  const clock = clockOf(target);
  let closed = 0;
  while (clock() && closed < most) {
    const http2 = new RawHttp2(target[port]);
    await http2.opened;
    const stream = http2.request(requestHeaders(paths.unary));
    const many = Buffer.concat(Array.from({ length: AT_ONCE }, () => floods[name]?.(stream) as Buffer));
    while (clock() && !http2.isClosed) await http2.flush(many);
    if (http2.isClosed) closed++;
    http2.end();
    await pause(10);
  }
  return closed;
}
