// Record `vercel-ai.jsonl` with the Vercel AI SDK's own telemetry, offline, against a mock model:
//   npm install ai zod @opentelemetry/api @opentelemetry/sdk-trace-base @opentelemetry/sdk-trace-node
//   node record_vercel.mjs OUT.jsonl
import { writeFileSync, appendFileSync } from "node:fs";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { generateText, tool, stepCountIs } from "ai";
import * as testing from "ai/test";
import { z } from "zod";

const out = process.argv[2];
writeFileSync(out, "");

const value = (v) =>
  Array.isArray(v) ? { arrayValue: { values: v.map(value) } }
  : typeof v === "boolean" ? { boolValue: v }
  : Number.isInteger(v) ? { intValue: String(v) }
  : typeof v === "number" ? { doubleValue: v }
  : { stringValue: String(v) };
const attributes = (found) => Object.entries(found ?? {}).map(([key, v]) => ({ key, value: value(v) }));
const time = ([seconds, nanos]) => String(BigInt(seconds) * 1000000000n + BigInt(nanos));

const exporter = {
  export(spans, done) {
    for (const span of spans) {
      const context = span.spanContext();
      const scope = span.instrumentationScope ?? span.instrumentationLibrary;
      appendFileSync(out, JSON.stringify({ resourceSpans: [{
        resource: { attributes: [{ key: "service.name", value: { stringValue: "sample" } }] },
        scopeSpans: [{ scope: { name: scope.name, version: scope.version ?? "" }, spans: [{
          traceId: context.traceId, spanId: context.spanId,
          parentSpanId: span.parentSpanContext?.spanId ?? span.parentSpanId ?? "",
          name: span.name, kind: span.kind + 1,
          startTimeUnixNano: time(span.startTime), endTimeUnixNano: time(span.endTime),
          attributes: attributes(span.attributes),
          events: span.events.map((e) => ({ name: e.name, timeUnixNano: time(e.time), attributes: attributes(e.attributes) })),
          status: { code: span.status.code, ...(span.status.message ? { message: span.status.message } : {}) },
        }] }],
      }] }) + "\n");
    }
    done({ code: 0 });
  },
  shutdown: async () => {},
};
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();

const Mock = testing.MockLanguageModelV3 ?? testing.MockLanguageModelV2 ?? testing.MockLanguageModelV4;
const usage = process.env.USAGE === "flat"
  ? { inputTokens: 20, outputTokens: 5, totalTokens: 25 }
  : { inputTokens: { total: 20, noCache: 20, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 5, text: 5, reasoning: 0 } };
const reason = (word) => process.env.USAGE === "flat" ? word : { unified: word, raw: word };
let turn = 0;
const model = new Mock({
  modelId: "scripted",
  doGenerate: async () => turn++ === 0
    ? { content: [{ type: "tool-call", toolCallId: "call_1", toolName: "lookup", input: '{"key":"a"}' }],
        finishReason: reason("tool-calls"), usage, warnings: [] }
    : { content: [{ type: "text", text: "The value of a is value-of-a." }],
        finishReason: reason("stop"), usage, warnings: [] },
});
await generateText({
  model,
  system: "Answer with the tool.",
  prompt: "What is the value of a?",
  stopWhen: stepCountIs(3),
  tools: { lookup: tool({ description: "Looks a key up.", inputSchema: z.object({ key: z.string() }),
                          execute: async ({ key }) => `value-of-${key}` }) },
  experimental_telemetry: { isEnabled: true, functionId: "finder" },
  telemetry: { isEnabled: true, functionId: "finder" },
});
await provider.forceFlush();
