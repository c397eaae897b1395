import { convertRpm } from '@diskful/conversion/converting'
import { serveConversions } from './serve-conversions.ts'

await serveConversions(convertRpm)
