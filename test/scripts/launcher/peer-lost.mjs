// Rank 1 is about to fail, but takes its time to end; rank 0 sees its peer's link close and is gone first.
if (process.env.TSRING_RANK === '1') {
  setTimeout(() => process.exit(7), 200);
} else if (process.env.TSRING_RANK === '0') {
  throw Object.assign(new Error('rank 1 is gone'), { code: 'RING_PEER_LOST' });
} else {
  setInterval(() => undefined, 1000);
}
