import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Transformer } from '@napi-rs/image';
import * as ring from '../../dist/lib/index.js';
import { RingError, type RingErrorCode } from '../../lib/errors.js';
import { loadAddon } from '../../lib/native/load.js';

/**
 * Readers start workers, which want compiled files: so their tests take the compiled package. It makes the addon of this thread throw errors of its
 * own class, which those of lib, in the tests that follow, are not.
 */
export function inRingOfOne(): void {
  before(() => ring.init());
  after(async () => {
    await ring.shutdown();
    loadAddon().setErrorClass(RingError);
  });
}

/** A folder for one test, removed when its scope ends. */
export class TestFolder implements Disposable {
  readonly path = mkdtempSync(path.join(tmpdir(), 'tsring-data-'));

  file(name: string): string {
    return path.join(this.path, name);
  }

  write(name: string, content: string | Uint8Array): string {
    const file = this.file(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Without loss; `color` gives red, green and blue of each pixel. */
export function png(
  width: number,
  height: number,
  color: (x: number, y: number) => readonly [number, number, number],
): Buffer {
  return picture(width, height, color).pngSync();
}

export function jpeg(
  width: number,
  height: number,
  color: (x: number, y: number) => readonly [number, number, number],
): Buffer {
  return picture(width, height, color).jpegSync(95);
}

function picture(width: number, height: number, color: (x: number, y: number) => readonly [number, number, number]) {
  const pixels = width * height;
  const bytes = new Uint8Array(4 * pixels);
  for (let i = 0; i < pixels; i++) bytes.set([...color(i % width, Math.floor(i / width)), 255], 4 * i);
  return Transformer.fromRgbaPixels(bytes, width, height);
}

/** A check for errors of the compiled package, whose classes are not those of the sources. */
export function dataError(code: RingErrorCode, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.equal((error as { code?: unknown }).code, code, String(error));
    assert.match((error as Error).message, message);
    return true;
  };
}

/** All batches of one run; the tensors' values as nested arrays. */
export async function batchesOf<T extends object>(dataset: AsyncIterable<T>): Promise<{ [K in keyof T]: unknown }[]> {
  const batches: { [K in keyof T]: unknown }[] = [];
  for await (const batch of dataset) {
    const entries = Object.entries(batch as Record<string, { arraySync(): unknown; dispose(): void }>);
    batches.push(Object.fromEntries(entries.map(([name, tensor]) => [name, tensor.arraySync()])) as never);
    for (const [, tensor] of entries) tensor.dispose();
  }
  return batches;
}
