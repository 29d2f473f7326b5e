/** From whom a message is. */
export interface SyslogSender {
  readonly host: string;
  readonly pid: number;
}

/** Where messages go. */
export interface SyslogTarget {
  readonly protocol: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
}

/** Facility 13, "log audit", and severity 5, "notice": see RFC 5424, 6.2.1. */
const PRIORITY = 13 * 8 + 5;
const PROGRAM = "taskrun";
/** The kind of message, by which a collector can choose. */
const MESSAGE_ID = "audit.checkpoint";

/**
 * A message of RFC 5424, without structured data.
 *
 * @param text ASCII without line breaks, so that it needs no byte order mark
 */
export function syslogMessage(text: string, at: number, { host, pid }: SyslogSender): string {
  return `<${PRIORITY}>1 ${new Date(at).toISOString()} ${nameOf(host)} ${PROGRAM} ${pid} ${MESSAGE_ID} - ${text}`;
}

/** Visible ASCII, as the header must be; a dash says that there is none. */
function nameOf(host: string): string {
  return host.replace(/[^\x21-\x7e]/g, "").slice(0, 255) || "-";
}

/** A frame on a stream: the number of bytes, a space, the message. RFC 6587, 3.4.1. */
export function countedFrame(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`;
}

/** The target of `tcp://HOST:PORT` or `udp://HOST:PORT`. */
export function syslogTarget(text: string): SyslogTarget {
  const { protocol, hostname, port } = new URL(text);
  const host = hostname.replace(/^\[|\]$/g, "");
  return { protocol: protocol === "udp:" ? "udp" : "tcp", host, port: Number(port) };
}
