import type {
  CatalogEntry,
  ConversionQueue,
  conversionKey,
  PackageType,
  Catalog as RealCatalog,
  TarStore,
} from '@diskful/conversion'

// What the API uses of packages/conversion: tests put small ones in the seams, service.ts the real ones.

export type { CatalogEntry, ConversionQueue, PackageType }
export type Catalog = Pick<
  RealCatalog,
  'ready' | 'resolve' | 'near' | 'refused' | 'open' | 'sha256' | 'plan' | 'status' | 'refresh' | 'close'
> & { entries(type: PackageType): Iterable<CatalogEntry> }
export type TarSource = Pick<TarStore, 'get' | 'lookup' | 'status' | 'folder'>
export type NameConversion = typeof conversionKey
