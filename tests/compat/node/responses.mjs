// The file-search samples of npm's `openai` and of `@ai-sdk/openai`, against the store argv[3] of the API at argv[2], with
// the key in VECTORGATE_KEY. Prints the answers and the files that they cite, streamed and not.
import assert from 'node:assert/strict';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, streamText } from 'ai';
import OpenAI from 'openai';

const [, , baseURL, store] = process.argv;
const apiKey = process.env.VECTORGATE_KEY;
const model = 'embedded-extractive';
const question = 'What do the tides obey?';

const found = (text, cited) => ({ text, cited });
const cited = (response) =>
  response.output.flatMap((item) => (item.content ?? []).flatMap((part) => part.annotations.map((each) => each.filename)));

async function openaiNode() {
  const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 });
  const asked = { model, input: question, tools: [{ type: 'file_search', vector_store_ids: [store] }] };
  const whole = await client.responses.create(asked);

  let text = '';
  for await (const event of await client.responses.create({ ...asked, stream: true })) {
    if (event.type === 'response.output_text.delta') text += event.delta;
  }
  assert.equal(text, whole.output_text);
  const streamed = await client.responses.stream(asked).finalResponse();

  let later = await client.responses.create({ ...asked, background: true });
  assert.equal(later.status, 'queued');
  while (later.status === 'queued' || later.status === 'in_progress') {
    await new Promise((resolve) => setTimeout(resolve, 50));
    later = await client.responses.retrieve(later.id);
  }
  assert.equal((await client.responses.inputItems.list(whole.id)).data[0].content[0].text, question);
  await client.responses.delete(whole.id);
  await assert.rejects(client.responses.retrieve(whole.id), OpenAI.NotFoundError);
  return [whole, streamed, later].map((response) => found(response.output_text, cited(response)));
}

async function aiSdk() {
  const openai = createOpenAI({ apiKey, baseURL });
  const asked = {
    model: openai.responses(model),
    prompt: question,
    tools: { file_search: openai.tools.fileSearch({ vectorStoreIds: [store], maxNumResults: 5 }) },
  };
  const whole = await generateText(asked);
  const streamed = streamText(asked);
  const text = await streamed.text;
  const names = (sources) => sources.map((source) => source.filename ?? source.title);
  return [found(whole.text, names(whole.sources)), found(text, names(await streamed.sources))];
}

console.log(JSON.stringify({ openai_node: await openaiNode(), ai_sdk: await aiSdk() }));
