/** Where in the job's store a parameter server says `{host, port}` of its listener. */
export function serverKey(server: number): string {
  return `server/${server}`;
}
