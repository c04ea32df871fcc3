import {
  checkedDType,
  checkedMeaning,
  invalid,
  isOnDevice,
  isTensor,
  show,
  type Same,
  type Value,
} from '../arguments.js';
import type { DType } from '../native/binding.js';
import type { Moved } from '../native/started.js';

/** The dtypes of one value, or of a group of one or more of one kind. `meant` as in `checkedMeaning`. */
export function checkedValues(where: string, values: readonly Value[], grouped: boolean, meant?: unknown): DType[] {
  if (!Array.isArray(values) || values.length === 0)
    throw invalid(where, `values is ${show(values)}; give an array of one or more`);
  const at = (index: number) => (grouped ? `${where}: value ${index}` : where);
  const dtypes = values.map((value, index) =>
    meant === undefined ? checkedDType(at(index), value) : checkedMeaning(at(index), value, meant),
  );
  for (const isOfKind of [isTensor, isOnDevice]) {
    const ofKind = values.filter(isOfKind).length;
    if (ofKind !== 0 && ofKind !== values.length)
      throw invalid(where, 'tensors, typed arrays and device buffers are mixed; give one kind a call');
  }
  return dtypes;
}

/** An operation on one value of kind `T` gives one result of that kind. */
export function first<T extends Value>({ values }: Pick<Moved<Value>, 'values'>): Same<T> {
  return values[0] as Same<T>;
}

/** An operation on values of kind `T` gives results of that kind. */
export function all<T extends Value>({ values }: Pick<Moved<Value>, 'values'>): Same<T>[] {
  return [...values] as Same<T>[];
}
