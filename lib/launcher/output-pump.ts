import type { Readable } from 'node:stream';
import { outputPieceBytes, outputWindowBytes } from './agent-messages.js';

/** Passes a stream on in pieces, and pauses it while too much is on its way. */
export class OutputPump {
  private onTheWay = 0;

  /** @param say - is given each piece, and an empty one at the end */
  constructor(
    private readonly source: Readable,
    private readonly say: (piece: Buffer) => void,
  ) {
    source.on('data', (chunk: Buffer) => this.pass(chunk));
    source.once('close', () => say(Buffer.alloc(0)));
    source.on('error', () => undefined); // 'close' follows
  }

  taken(bytes: number): void {
    this.onTheWay -= bytes;
    if (this.onTheWay < outputWindowBytes) this.source.resume();
  }

  private pass(chunk: Buffer): void {
    for (let start = 0; start < chunk.length; start += outputPieceBytes) {
      this.say(chunk.subarray(start, start + outputPieceBytes));
    }
    this.onTheWay += chunk.length;
    if (this.onTheWay >= outputWindowBytes) this.source.pause();
  }
}
