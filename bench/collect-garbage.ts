import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Has V8 let go now of what nothing refers to any more: memory outside its heap, such as that of large arrays, hardly makes it look. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc'); // for contexts made from here on
  (runInNewContext('gc') as () => void)();
}
