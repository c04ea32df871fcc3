// What `run` calls: as many bytes as it is told, each the rank's number.
export default (count) => new Uint8Array(count).fill(Number(process.env.TSRING_RANK));
