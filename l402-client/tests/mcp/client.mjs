// The official TypeScript client: lists the tools of an MCP server, calls each, and prints what it got as JSON.
// Arguments: a URL to fetch, then the command of the server.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [url, command, ...args] = process.argv.slice(2);
const client = new Client({ name: "test", version: "1" });
await client.connect(new StdioClientTransport({ command, args, env: process.env }));
const progress = [];
const call = async (name, given, options) => {
  const result = await client.callTool({ name, arguments: given }, undefined, options);
  return { error: result.isError ?? false, text: result.content[0].text, structured: result.structuredContent ?? null };
};
// The client validates what a tool returns against its schema, once it has listed the tools.
const { tools } = await client.listTools();
console.log(
  JSON.stringify({
    version: client.transport?.protocolVersion ?? null,
    tools: tools.map((tool) => tool.name),
    preview: await call("preview", { url }),
    fetch: await call("fetch", { url }, { onprogress: ({ message }) => progress.push(message) }),
    budget: await call("budget", {}),
    purchases: await call("purchases", {}),
    refused: await call("fetch", { url: "file:///etc/passwd" }),
    progress,
  }),
);
await client.close();
