/** Bytes of a KiB and a MiB: sizes are written as multiples of them, and so they are shown in `docs/limits.md`. */
export const KIB = 1024;
export const MIB = 1024 * KIB;
