import { parentPort } from 'node:worker_threads';
import { RingError } from '../../errors.js';
import type { Answer, Ask, Columns, Request, Response, TaskName } from '../tasks.js';
import { indexCsv, readCsv } from './csv-file.js';
import { imageDecoder } from './decode-image.js';
import { exampleDecoder } from './example.js';
import { indexParquet, readParquet } from './parquet-file.js';
import { indexRecords, readExamples } from './read-examples.js';
import { readImages } from './read-images.js';

// A thread that reads and decodes: takes requests one after the other, and answers each.

const tasks: { [N in TaskName]: (ask: Ask<N>) => Answer<N> | Promise<Answer<N>> } = {
  checkImages: async () => (await imageDecoder(), null),
  checkExamples: async () => (await exampleDecoder(), null),
  readImages,
  indexRecords,
  readExamples,
  indexTable: (ask) => (ask.format === 'parquet' ? indexParquet(ask) : indexCsv(ask)),
  readTable: (ask) => (ask.part.format === 'parquet' ? readParquet(ask) : readCsv(ask)),
};

let last: Promise<void> = Promise.resolve();
parentPort!.on('message', (request: Request) => {
  last = last.then(() => answer(request));
});

async function answer({ id, name, ask }: Request): Promise<void> {
  try {
    const result = await (tasks[name] as (ask: unknown) => unknown)(ask);
    send({ id, answer: result }, memoryOf(result));
  } catch (error) {
    const code = error instanceof RingError ? error.code : 'RING_INTERNAL';
    const text = error instanceof RingError ? error.message : String((error as Error).stack ?? error);
    send({ id, code, message: text }, []);
  }
}

function send(response: Response, memory: ArrayBuffer[]): void {
  parentPort!.postMessage(response, memory);
}

/** What is handed over, and not copied. */
function memoryOf(result: unknown): ArrayBuffer[] {
  const { columns } = (result ?? {}) as Partial<Columns>;
  if (columns === undefined || Array.isArray(columns)) return [];
  return Object.values(columns).map(({ values }) => values.buffer as ArrayBuffer);
}
