/**
 * The parts of parquetjs-lite 0.8.7 and of @bokuweb/zstd-wasm 0.0.27 that the Parquet loader uses: the one comes without
 * types, the other hides them. The index of parquetjs-lite would load its reader as well.
 */
declare module 'parquetjs-lite/lib/schema.js' {
  export interface FieldDefinition {
    type: string;
    optional?: boolean;
    repeated?: boolean;
    fields?: Record<string, FieldDefinition>;
  }

  export interface ParquetField {
    readonly name: string;
    readonly path: readonly string[];
    readonly repetitionType: 'REQUIRED' | 'OPTIONAL' | 'REPEATED';
    readonly primitiveType?: 'BYTE_ARRAY' | 'INT64' | 'DOUBLE' | 'BOOLEAN';
    readonly originalType?: string;
    readonly rLevelMax: number;
    readonly dLevelMax: number;
    readonly fieldCount?: number;
  }

  export interface ParquetSchema {
    /** Depth first. */
    readonly fieldList: readonly ParquetField[];
  }

  const schema: { ParquetSchema: new (fields: Record<string, FieldDefinition>) => ParquetSchema };
  export default schema;
}

declare module 'parquetjs-lite/lib/writer.js' {
  export interface ParquetEnvelopeWriter {
    offset: number;
    rowCount: number;
    rowGroups: import('parquetjs-lite/gen-nodejs/parquet_types.js').ThriftStruct[];
    writeHeader(): void;
    writeSection(bytes: Uint8Array): void;
  }

  const writer: {
    ParquetEnvelopeWriter: new (
      schema: import('parquetjs-lite/lib/schema.js').ParquetSchema,
      write: (bytes: Uint8Array) => void,
      close: () => void,
      fileOffset: number,
      options: { pageIndex: boolean; useDataPageV2: boolean },
    ) => ParquetEnvelopeWriter;
  };
  export default writer;
}

declare module 'parquetjs-lite/gen-nodejs/parquet_types.js' {
  /** Fields are those of parquet.thrift, https://github.com/apache/parquet-format. */
  export interface ThriftStruct {
    write(output: ThriftOutput): void;
  }
  export interface ThriftOutput {
    /** Takes what is serialized already. */
    readonly trans: { write(bytes: Buffer): void };
  }
  type Struct = new (fields?: Readonly<Record<string, unknown>>) => ThriftStruct;
  type Enum = Readonly<Record<string, number>>;

  const thrift: Readonly<
    Record<
      | 'ColumnChunk'
      | 'ColumnMetaData'
      | 'ColumnOrder'
      | 'DataPageHeader'
      | 'DictionaryPageHeader'
      | 'FileMetaData'
      | 'ListType'
      | 'LogicalType'
      | 'MicroSeconds'
      | 'PageHeader'
      | 'RowGroup'
      | 'SchemaElement'
      | 'SortingColumn'
      | 'StringType'
      | 'TimestampType'
      | 'TimeUnit'
      | 'TypeDefinedOrder',
      Struct
    > &
      Record<
        | 'CompressionCodec'
        | 'ConvertedType'
        | 'Encoding'
        | 'FieldRepetitionType'
        | 'PageType'
        | 'Type',
        Enum
      >
  >;
  export default thrift;
}

declare module 'parquetjs-lite/lib/util.js' {
  const util: {
    serializeThrift(
      struct: import('parquetjs-lite/gen-nodejs/parquet_types.js').ThriftStruct,
    ): Uint8Array;
  };
  export default util;
}

declare module 'parquetjs-lite/lib/compression.js' {
  const compression: { deflate(codec: string, bytes: Uint8Array): Uint8Array };
  export default compression;
}

declare module '@bokuweb/zstd-wasm' {
  /** Must have ended before the first `compress`. May be called again. */
  export function init(): Promise<void>;
  export function compress(bytes: Uint8Array, level: number): Uint8Array;
  export function decompress(frame: Uint8Array): Uint8Array;
}
