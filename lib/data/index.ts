export { BatchIterator, RankDataset } from './dataset.js';
export { type ImageBatch, imageFolder, type ImageFolderOptions } from './image-folder.js';
export type { DataOptions, FileOptions, ImageOptions, MapOptions } from './options.js';
export { csv, type CsvOptions, parquet, type TableBatch, type TableOptions } from './table.js';
export { type ExampleBatch, type FeatureOptions, tfRecord, type TfRecordOptions } from './tf-record.js';
