import { keyOf, publish, TestCache } from './stores.ts'

// Publishes the same keys as other processes do at the same time: <folder> <owner> <rounds>

const [folder = '', owner = '', rounds = '0'] = process.argv.slice(2)
const store = await (await TestCache.make(folder)).store({ owner })
for (let round = 0; round < Number(rounds); round++) {
  const key = keyOf((round % 16).toString(16))
  await publish(store, key, `the bytes of ${key}`)
  // Taken out in between, so that every kind of collision happens.
  if (round % 5 === 0) await store.drop(key)
}
