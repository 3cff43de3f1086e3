// OpenAI's client for Node, unmodified, against vectorgate.
//
// Needs:   npm install openai
// Reads:   VECTORGATE_BASE_URL (http://127.0.0.1:4000/v1, which `make run` serves), VECTORGATE_API_KEY (sk-1234)
// Run it:  node examples/openai_node.mjs
import OpenAI, { toFile } from 'openai';

const TEXT = 'The tides obey the moon. Sailors read the almanac before they leave the harbour at night.';

const client = new OpenAI({
  baseURL: process.env.VECTORGATE_BASE_URL ?? 'http://127.0.0.1:4000/v1',
  apiKey: process.env.VECTORGATE_API_KEY ?? 'sk-1234',
});

const store = await client.vectorStores.create({ name: 'Almanac', metadata: { project: 'examples' } });
const file = await client.files.create({ file: await toFile(Buffer.from(TEXT), 'tides.md'), purpose: 'assistants' });
await client.vectorStores.files.createAndPoll(store.id, { file_id: file.id, attributes: { topic: 'sea' } });

for await (const result of client.vectorStores.search(store.id, { query: 'What moves the tides?' })) {
  console.log(`${result.score.toFixed(2)} ${result.filename}: ${result.content[0].text}`);
}

await client.vectorStores.delete(store.id);
await client.files.delete(file.id);
