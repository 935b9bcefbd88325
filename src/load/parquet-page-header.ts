import { writeVarint } from './varint.ts';

const DATA_PAGE = 0;
const PLAIN = 0;
const RLE = 3;

/** Field headers of Thrift's compact protocol: how far the field's number is from the last, then its type. */
const NEXT_I32 = 0x15;
const SKIP_ONE_STRUCT = 0x2c;
const END_OF_STRUCT = 0;

/** Longer than any header of a data page. */
const LONGEST = 64;

/**
 * The header of a data page (V1), PLAIN values behind RLE levels. There is one a page, and the library's serializer
 * takes longer for one than the compression of many a page; the footer, written once, is left to it.
 *
 * @param values entries of the page, nulls and empty lists included
 * @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift `PageHeader`
 */
export function pageHeader(
  values: number,
  uncompressedBytes: number,
  compressedBytes: number,
): Uint8Array {
  const bytes = new Uint8Array(LONGEST);
  let at = 0;
  const i32 = (value: number) => {
    bytes[at++] = NEXT_I32;
    at = writeVarint(value * 2, bytes, at);
  };
  i32(DATA_PAGE);
  i32(uncompressedBytes);
  i32(compressedBytes);
  bytes[at++] = SKIP_ONE_STRUCT;
  i32(values);
  i32(PLAIN);
  i32(RLE);
  i32(RLE);
  bytes[at++] = END_OF_STRUCT;
  bytes[at++] = END_OF_STRUCT;
  return bytes.subarray(0, at);
}
