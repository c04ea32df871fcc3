// Makes every call in every state of a session, but with a dead peer.
import * as ring from '../../lib/index.js';
import { codesOfEveryCall } from './every-call.js';
import { caught, report } from './report.js';

const states: Record<string, unknown> = {};
states['before init'] = await codesOfEveryCall();
await ring.shutdown(); // allowed, and does nothing

const starting = ring.init();
states['initialized while starting'] = ring.isInitialized();
states['init while starting'] = (await caught(() => ring.init())).code;
states['rank while starting'] = (await caught(() => ring.rank())).code;
await starting;

states['initialized'] = ring.isInitialized();
states['init while running'] = (await caught(() => ring.init())).code;
states['running'] = await codesOfEveryCall();
await ring.barrier();

const stopping = ring.shutdown();
states['while stopping'] = await codesOfEveryCall();
await Promise.all([stopping, ring.shutdown()]);
states['after shutdown'] = await codesOfEveryCall();
states['initialized at the end'] = ring.isInitialized();

{
  const first = await ring.init();
  await ring.shutdown();
  await using again = await ring.init();
  states['generations'] = [first.generation, again.generation];
  await first[Symbol.asyncDispose](); // of the ring before: leaves this one alone
  states['sum in the third ring'] = ring.allreduceSync(Int32Array.of(1), { op: 'sum' })[0];
  await ring.barrier();
}
states['initialized after the block'] = ring.isInitialized();
report(states);
