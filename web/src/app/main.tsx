import "@/shared/styles/fonts.css";
import "@/shared/styles/tokens.css";
import "@/shared/styles/base.css";
import "@/shared/styles/parts.css";

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "@/app/App";
import { CrashScreen } from "@/app/CrashScreen";
import { beginTheme } from "@/app/theme";
import { begin } from "@/shared/texts/language";

const place = document.getElementById("app");
if (!place) throw new Error("the page has no place for the app");

// The API calls repeat by themselves what may be repeated.
const queries = new QueryClient({ defaultOptions: { queries: { retry: false }, mutations: { retry: false } } });

beginTheme();
void begin();
createRoot(place).render(
  <StrictMode>
    <CrashScreen>
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </CrashScreen>
  </StrictMode>,
);
