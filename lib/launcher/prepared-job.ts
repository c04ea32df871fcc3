import type { JobHost, RankStart } from './job-host.js';

/** A job that can be started: its hosts are ready, and each rank's place and environment are known. */
export interface PreparedJob {
  readonly jobId: string;
  /** `host:port`. */
  readonly store: string;
  /** All that are to be watched, stopped and closed. */
  readonly hosts: readonly JobHost[];
  readonly shares: readonly { readonly host: JobHost; readonly starts: readonly RankStart[] }[];
  /** What is in the store now. */
  readonly values: () => ReadonlyMap<string, string>;
  /** Ends the store. */
  readonly close: () => Promise<void>;
}

export const loopback = '127.0.0.1';

export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
