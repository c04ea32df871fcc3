// One who is not of the job, and has overheard a proof. First argument: what it does; the second: the proof in base64.
//   scan PROOF HOST...         which of the first 1024 ports of each host are open
//   flood PROOF HOST:PORT...   holds as many connections to each as it gets, a third of them silent, a third sending garbage, and a third
//                              the proof, until its standard input ends; prints `@flooding` when most are there
// It prints what it found as a last line of JSON.
import { createConnection } from 'node:net';

const [, , act, proofText, ...targets] = process.argv;
const proof = Buffer.from(proofText, 'base64');
const connect = (target) => {
  const [host, port] = target.split(':');
  return createConnection({ host, port: Number(port) }).on('error', () => undefined);
};

if (act === 'scan') {
  const ports = targets.flatMap((host) => Array.from({ length: 1024 }, (_, index) => `${host}:${index + 1}`));
  const open = [];
  const scanSome = async () => {
    for (let port = ports.shift(); port !== undefined; port = ports.shift()) if (await isOpen(port)) open.push(port);
  };
  await Promise.all(Array.from({ length: 100 }, scanSome));
  console.log(JSON.stringify({ open }));
  process.exit();
}

const held = 300; // to each: more than any of ours keeps of those that have not proved themselves
const hurrying = 5; // new ones to each in 50 ms, in place of those that were closed
const found = { opened: 0, most: 0 };
const live = targets.map(() => 0);
const begin = (index) => {
  const socket = connect(targets[index]);
  let received = 0;
  live[index]++;
  socket.on('connect', () => {
    const kind = found.opened++ % 3;
    if (found.opened === 200 * targets.length) console.log('@flooding');
    if (kind === 1) socket.write(Buffer.alloc(200, 'garbage'));
    if (kind === 2) socket.write(proof);
  });
  socket.on('data', (bytes) => (found.most = Math.max(found.most, (received += bytes.length))));
  socket.on('close', () => live[index]--);
};
for (const index of targets.keys()) for (let i = 0; i < held; i++) begin(index);
setInterval(() => {
  for (const index of targets.keys()) for (let i = 0; i < hurrying && live[index] < held; i++) begin(index);
}, 50);
process.stdin.resume().on('end', () => {
  console.log(JSON.stringify(found));
  process.exit();
});

function isOpen(target) {
  return new Promise((resolve) => {
    const socket = connect(target);
    socket.once('close', () => resolve(false));
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
  });
}
