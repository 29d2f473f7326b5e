import { z } from "zod";
import { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";
import type { Request } from "../use-case.js";
import { requiredName } from "../validate.js";
import type { KeyRing } from "./key-ring.js";
import type { WatchTokens } from "./watch-tokens.js";

/** Fields and targets that the use cases of keys share. */
export const keyId = requiredName("the id of a key, as ListKeys shows it");

/** Keys are the server's; which of them the caller may see, the ring says. */
export const ofServer = () => ({ resource: { kind: "server" as const } });

/** A length of time up to a bound; 0 is the usual one. */
export const lasting = (most: number, usual: number) =>
  z
    .custom<bigint | number>((value) => Number(value) >= 0 && Number(value) <= most, {
      error: `is out of range: send milliseconds from 0 to ${most}, where 0 is ${usual}.`,
    })
    .transform((value) => millis(Number(value) || usual));

/** @throws {Fault} `wrong_state` where nobody is asked for a key */
export function ringOf({ services: { keys } }: Request): KeyRing {
  if (keys) return keys;
  throw nobodyIsAsked();
}

/** @throws {Fault} `wrong_state` where nobody is asked for a credential */
export function watchTokensOf({ services: { watchTokens } }: Request): WatchTokens {
  if (watchTokens) return watchTokens;
  throw nobodyIsAsked();
}

function nobodyIsAsked(): Fault {
  return new Fault("wrong_state", "nobody is asked for a credential here: start the server with --auth on.", {
    reason: "AUTH_OFF",
  });
}
