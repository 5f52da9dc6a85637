import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a system to talk to: `nst up` in another terminal. */
const SYSTEM = process.env.NST_URL ?? "http://localhost:8080";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": here("src"), "@system": here("../system") } },
  build: {
    target: "es2023",
    // For whoever debugs a build; the deployment leaves them out of the bucket.
    sourcemap: "hidden",
    // Strict CSP: every asset is a file of its own, nothing is a data: URL.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  server: { proxy: { "/api": SYSTEM, "/gallery": SYSTEM } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
