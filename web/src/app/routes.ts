/** Where the visitor is: the studio, or a run. The address says it, so that a link brings back to it. */

import { Store, useStore } from "@/shared/lib/store";

export type Route = { screen: "studio" } | { screen: "run"; id: string };

const STUDIO: Route = { screen: "studio" };
const RUN = /^#\/r\/(.+)$/;

/** The route of an address's fragment; whatever is not known is the studio. */
export function routeOf(hash: string): Route {
  const id = RUN.exec(hash)?.[1];
  return id === undefined ? STUDIO : { screen: "run", id };
}

export const hrefOf = (route: Route): string => (route.screen === "run" ? `#/r/${route.id}` : "#/");

const current = new Store<Route>(routeOf(globalThis.location.hash));
globalThis.addEventListener("hashchange", () => {
  current.set(routeOf(location.hash));
});

export const useRoute = (): Route => useStore(current);

/** Go somewhere, as if a link had been followed. */
export function go(route: Route): void {
  location.hash = hrefOf(route);
}
