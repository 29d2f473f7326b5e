import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Intrusion, readPrivateFile, writePrivate } from "#files/private";

/** What a worker is known by, as it is kept between two starts. */
export interface KeptIdentity {
  /** Its name, which is its id. */
  readonly worker: string;
  /** The certificate, followed by those that lead to the authority, as PEM. */
  readonly cert: string;
  readonly key: string;
  /** Which invitation it came by; the middle part of the token. */
  readonly token: string;
  /** Of the certificate, in Unix milliseconds by the server's clock. */
  readonly notAfter: number;
  /** When it is to be renewed, by this machine's clock. */
  readonly renewAt: number;
  /** The authorities that came with it, as PEM; absent in files of workers that kept none. */
  readonly authorities?: string | undefined;
  /** The name of the trust by which they came: for another one they mean nothing. */
  readonly trustedBy?: string | undefined;
}

/** A file of an identity has some 3 KB. */
const FILE_BYTES = 64 * 1024;

/**
 * The folder of one worker's identity: for its user alone, and each of its files is replaced whole, however the process ends. Beside the
 * identity it has, while a worker enrols, the key of the request: should the answer be lost, the next start asks for the same one.
 */
export class IdentityFile {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws {Error} if others can look into it, or it is damaged; undefined if there is none */
  async read(): Promise<KeptIdentity | undefined> {
    const text = await this.#read("identity.json");
    if (text === undefined) return undefined;
    const { worker, cert, key, token, notAfter, renewAt, ...more } = parsed(text) as Partial<KeptIdentity>;
    const { authorities, trustedBy } = more;
    if (!worker || !cert || !key || token === undefined || !notAfter || !renewAt) {
      throw new Error(
        `${join(this.folder, "identity.json")} is damaged: remove it, and invite the worker again`,
      );
    }
    return { worker, cert, key, token, notAfter, renewAt, authorities, trustedBy };
  }

  /** Also removes the key of the request. */
  async write(identity: KeptIdentity): Promise<void> {
    await this.#write("identity.json", `${JSON.stringify(identity, null, 2)}\n`);
    await rm(join(this.folder, "request.key"), { force: true });
  }

  /** The key with which a token was, or will be, used. @param make makes one if there is none for this token */
  async requestKey(token: string, make: () => Promise<string>): Promise<string> {
    const kept = await this.#read("request.key");
    const [of, ...key] = kept?.split("\n") ?? [];
    if (of === token) return key.join("\n");
    const made = await make();
    await this.#write("request.key", `${token}\n${made}`);
    return made;
  }

  #read(name: string): Promise<string | undefined> {
    const path = join(this.folder, name);
    return readPrivateFile(path, {
      most: FILE_BYTES,
      intruded: (intrusion) =>
        new Error(`${path} ${openTo(intrusion)}: remove it, and invite the worker again`),
      tooLong: (bytes) => new Error(`${path} has ${bytes} bytes: it is no identity`),
    });
  }

  async #write(name: string, text: string): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await chmod(this.folder, 0o700);
    await writePrivate(join(this.folder, name), text);
  }
}

function openTo(intrusion: Intrusion): string {
  if (intrusion.how === "rights") {
    return `can be read by others (mode ${intrusion.mode}), who could pass for this worker`;
  }
  return `belongs to user ${intrusion.uid}, who could pass for this worker`;
}

function parsed(text: string): object {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return {};
  }
}
