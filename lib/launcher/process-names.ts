/** A process of a job: a rank, or a parameter server, whose `rank` is a number above those of all ranks. */
export interface Numbered {
  readonly rank: number;
  /** Which parameter server this is; absent for ranks. */
  readonly server?: number;
}

/** For messages: `rank 3`, `parameter server 0`. */
export function nameOf({ rank, server }: Numbered): string {
  return server === undefined ? `rank ${rank}` : `parameter server ${server}`;
}

/** For what is short: `3`, `server 0`. */
export function labelOf({ rank, server }: Numbered): string {
  return server === undefined ? String(rank) : `server ${server}`;
}

/** For files: `rank.3`, `server.0`. */
export function folderOf({ rank, server }: Numbered): string {
  return server === undefined ? `rank.${rank}` : `server.${server}`;
}
