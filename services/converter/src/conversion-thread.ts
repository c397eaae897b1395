import { convertRpm } from '@diskful/conversion/thread'
import { serveConversions } from './serve-conversions.ts'

await serveConversions(convertRpm)
