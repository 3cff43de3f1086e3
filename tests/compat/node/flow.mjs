// Calls of the official npm client against the gateway at argv[2], with the key in VECTORGATE_KEY.
// Prints one JSON object of counts; anything unexpected is an exception, and so a status other than 0.
import assert from 'node:assert/strict';
import OpenAI, { AzureOpenAI, toFile } from 'openai';

const [, , url] = process.argv;
const apiKey = process.env.VECTORGATE_KEY;
const seen = {};

async function flow(client, name) {
  const store = await client.vectorStores.create({ name: 'docs', metadata: { from: name } });
  assert.equal(store.object, 'vector_store');
  assert.equal((await client.vectorStores.retrieve(store.id)).id, store.id);
  assert.equal((await client.vectorStores.update(store.id, { name: 'renamed' })).name, 'renamed');

  const listed = [];
  for await (const item of client.vectorStores.list({ limit: 1 })) listed.push(item.id);
  assert.ok(listed.includes(store.id));

  const file = await client.files.create({
    file: await toFile(Buffer.from('some text'), 'notes.md'),
    purpose: 'assistants',
  });
  const attached = await client.vectorStores.files.create(store.id, { file_id: file.id });
  assert.equal(attached.id, file.id);
  const batch = await client.vectorStores.fileBatches.createAndPoll(store.id, { file_ids: [file.id] });
  assert.equal(batch.file_counts.in_progress, 0);
  const found = await client.vectorStores.search(store.id, { query: 'text' });
  assert.ok(Array.isArray(found.data));
  const content = await (await client.files.content(file.id)).arrayBuffer();
  assert.ok(content.byteLength > 0);

  const upload = await client.uploads.create({
    filename: 'parts.md',
    bytes: 9,
    mime_type: 'text/markdown',
    purpose: 'assistants',
  });
  const parts = [];
  for (const text of ['some ', 'text']) {
    parts.push(await client.uploads.parts.create(upload.id, { data: await toFile(Buffer.from(text), 'part') }));
  }
  const whole = await client.uploads.complete(upload.id, { part_ids: parts.map((part) => part.id) });
  assert.equal(whole.status, 'completed');
  assert.equal((await client.files.retrieve(whole.file.id)).filename, 'parts.md');
  await assert.rejects(client.uploads.cancel(upload.id), OpenAI.BadRequestError);
  await assert.rejects(client.uploads.cancel('upload_absent'), OpenAI.NotFoundError);

  assert.equal((await client.files.delete(file.id)).deleted, true);
  assert.equal((await client.vectorStores.delete(store.id)).deleted, true);
  await assert.rejects(client.vectorStores.retrieve(store.id), OpenAI.NotFoundError);
  await assert.rejects(client.vectorStores.create({ nonsense: 1 }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.code, 'unknown_parameter');
    assert.equal(error.param, 'nonsense');
    assert.ok(error.requestID);
    return true;
  });
  seen[name] = listed.length;
}

const options = { apiKey, maxRetries: 0 };
await flow(new OpenAI({ ...options, baseURL: `${url}/v1` }), 'v1');
await flow(new OpenAI({ ...options, baseURL: url }), 'bare');
await flow(new AzureOpenAI({ ...options, endpoint: url, apiVersion: '2025-04-01-preview' }), 'azure');
const stranger = new OpenAI({ apiKey: 'sk-nobody', maxRetries: 0, baseURL: `${url}/v1` });
await assert.rejects(stranger.vectorStores.list(), OpenAI.AuthenticationError);
console.log(JSON.stringify(seen));
