import { Fault } from "#domain/fault";

/** @param names the roles that there are */
export function noSuchRole(role: string, names: readonly string[]): Fault {
  const says = role === "" ? "is required" : `is ${JSON.stringify(role.slice(0, 64))}`;
  return new Fault("invalid", `role ${says}; it is one of ${names.join(", ")}.`, { field: "role" });
}
