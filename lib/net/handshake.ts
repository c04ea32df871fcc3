import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/*
 * Every connection of a job begins with a mutual challenge-response over the job's secret, the same bytes here and in
 * native/transport. All integers are little-endian.
 *
 *   challenge  server to client, 40 bytes: magic u32, version u16, encryption u16, nonce[32]
 *   proof      client to server, 96 bytes: magic u32, version u16, purpose u16, rank u32, generation u32,
 *                                          job digest[16], nonce[32], mac[32]
 *   accept     server to client, 40 bytes: magic u32, version u16, status u16, mac[32]
 *
 * Where the connection is encrypted, TLS begins behind the challenge, and proof and accept are inside (encryption.ts).
 *
 * The client proves itself first, so a stranger learns a nonce and nothing else. A fresh nonce from each side makes a
 * recorded exchange worthless, and the two labels keep one side's mac from passing as the other's.
 */
const magic = 0x47525354; // "TSRG"
const version = 1;
export const challengeBytes = 40;
export const proofBytes = 96;
export const acceptBytes = 40;
const macBytes = 32;

/** What whoever challenges makes of TLS: it speaks none, it speaks nothing else, or the caller may choose. */
export const encryptions = { none: 0, required: 1, offered: 2 } as const;
export type Encryption = (typeof encryptions)[keyof typeof encryptions];

export const purposes = { store: 1, control: 2, data: 3, agreement: 4, parameters: 5 } as const;
export type Purpose = (typeof purposes)[keyof typeof purposes];

export interface JobCredentials {
  readonly jobId: string;
  /** 32 bytes. */
  readonly secret: Buffer;
}

export interface ClientIdentity {
  readonly purpose: Purpose;
  readonly rank: number;
  readonly generation: number;
}

export function makeChallenge(encryption: Encryption): Buffer {
  const challenge = Buffer.alloc(challengeBytes);
  writeHead(challenge, encryption);
  randomBytes(32).copy(challenge, 8);
  return challenge;
}

export function isChallenge(bytes: Buffer): boolean {
  return bytes.length === challengeBytes && hasHead(bytes);
}

export function encryptionOf(challenge: Buffer): number {
  return challenge.readUInt16LE(6);
}

export function makeProof(challenge: Buffer, identity: ClientIdentity, job: JobCredentials): Buffer {
  const proof = Buffer.alloc(proofBytes);
  writeHead(proof, identity.purpose);
  proof.writeUInt32LE(identity.rank, 8);
  proof.writeUInt32LE(identity.generation, 12);
  jobDigest(job.jobId).copy(proof, 16);
  randomBytes(32).copy(proof, 32);
  clientMac(challenge, proof, job.secret).copy(proof, proofBytes - macBytes);
  return proof;
}

/** Who the client is, if it knows the secret of this very job; undefined, without a reason, otherwise. */
export function checkProof(challenge: Buffer, proof: Buffer, job: JobCredentials): ClientIdentity | undefined {
  if (proof.length !== proofBytes) return undefined;
  const mac = clientMac(challenge, proof, job.secret);
  const genuine = timingSafeEqual(mac, proof.subarray(proofBytes - macBytes));
  const thisJob = timingSafeEqual(jobDigest(job.jobId), proof.subarray(16, 32));
  const purpose = Object.values(purposes).find((known) => known === proof.readUInt16LE(6));
  if (!genuine || !thisJob || !hasHead(proof) || purpose === undefined) return undefined;
  return { purpose, rank: proof.readUInt32LE(8), generation: proof.readUInt32LE(12) };
}

export function makeAccept(challenge: Buffer, proof: Buffer, job: JobCredentials): Buffer {
  const accept = Buffer.alloc(acceptBytes);
  writeHead(accept, 0);
  serverMac(challenge, proof, job.secret).copy(accept, 8);
  return accept;
}

export function checkAccept(challenge: Buffer, proof: Buffer, accept: Buffer, job: JobCredentials): boolean {
  if (accept.length !== acceptBytes || !hasHead(accept) || accept.readUInt16LE(6) !== 0) return false;
  return timingSafeEqual(serverMac(challenge, proof, job.secret), accept.subarray(8));
}

function writeHead(message: Buffer, last: number): void {
  message.writeUInt32LE(magic, 0);
  message.writeUInt16LE(version, 4);
  message.writeUInt16LE(last, 6);
}

function hasHead(message: Buffer): boolean {
  return message.readUInt32LE(0) === magic && message.readUInt16LE(4) === version;
}

export function jobDigest(jobId: string): Buffer {
  return createHash('sha256').update(jobId, 'utf8').digest().subarray(0, 16);
}

function clientMac(challenge: Buffer, proof: Buffer, secret: Buffer): Buffer {
  const signed = proof.subarray(0, proofBytes - macBytes);
  return createHmac('sha256', secret).update('tsring client').update(challenge).update(signed).digest();
}

function serverMac(challenge: Buffer, proof: Buffer, secret: Buffer): Buffer {
  return createHmac('sha256', secret).update('tsring server').update(challenge).update(proof).digest();
}
