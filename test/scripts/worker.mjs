// A worker thread: tsx is registered here, as a thread does not inherit it.
import { register } from 'tsx/esm/api';
register();
await import('./worker-body.ts');
