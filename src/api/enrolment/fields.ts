import { z } from "zod";
import { Fault } from "#domain/fault";
import type { Request } from "../use-case.js";
import type { Enrolment } from "./enrolment.js";

/** @throws {Fault} `wrong_state` where there is no authority that signs for workers */
export function enrolmentOf({ services: { enrolment } }: Request): Enrolment {
  if (enrolment) return enrolment;
  const message =
    "this server enrols no workers: start it with --tls auto and --auth on, over a store that keeps them.";
  throw new Fault("wrong_state", message, { reason: "ENROLLMENT_OFF" });
}

/** Bounded where it is read, so that what is too long is refused in its own words. */
export const csr = z.string();
