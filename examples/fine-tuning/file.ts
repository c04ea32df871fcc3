import type { io } from '@tensorflow/tfjs';
import { readFileSync, writeFileSync } from 'node:fs';

/** A model in one file of JSON, for any backend; tfjs-node has `file://` for the same. */
export function modelFile(file: string): io.IOHandler {
  return {
    save: (artifacts) => {
      const weights = Buffer.from(artifacts.weightData as ArrayBuffer).toString('base64');
      writeFileSync(file, JSON.stringify({ ...artifacts, weightData: weights }));
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
    },
    load: () => {
      const artifacts = JSON.parse(readFileSync(file, 'utf8')) as io.ModelArtifacts & { weightData: string };
      const weightData = Uint8Array.from(Buffer.from(artifacts.weightData, 'base64')).buffer;
      return Promise.resolve({ ...artifacts, weightData });
    },
  };
}
