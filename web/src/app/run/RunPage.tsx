import "./run.css";

import { useEffect, useState } from "react";

import { Ended } from "@/app/run/Ended";
import { Painted } from "@/app/run/Painted";
import { Watch } from "@/app/run/Watch";
import { Shelf } from "@/app/Shelf";
import { BudgetNotice } from "@/features/budget/components/BudgetNotice";
import type { RunSession } from "@/features/runs/lib/session";
import { runs } from "@/features/runs/lib/shelf";
import { useStore } from "@/shared/lib/store";

/** A run by its id: as it forms, as it became, or why not. */
export function RunPage({ id }: { id: string }) {
  const [run, setRun] = useState<RunSession | "asking" | "unknown">("asking");

  useEffect(() => {
    let wanted = true;
    // What is kept on this device comes first: it knows the photo, and where to go on.
    void runs.ready.then(() => {
      if (wanted) setRun(runs.open(id) ?? "unknown");
    });
    return () => {
      wanted = false;
    };
  }, [id]);

  if (run === "asking") return <div className="run-page" aria-busy="true" />;
  return (
    <div className="run-page">
      {run === "unknown" ? <Ended run={null} phase="expired" problem={null} /> : <KnownRun run={run} />}
      <BudgetNotice />
      <Shelf except={id} />
    </div>
  );
}

function KnownRun({ run }: { run: RunSession }) {
  const { phase, problem } = useStore(run.state);
  if (phase === "succeeded") return <Painted run={run} />;
  if (phase === "failed" || phase === "cancelled" || phase === "expired") return <Ended run={run} phase={phase} problem={problem} />;
  return <Watch run={run} />;
}
