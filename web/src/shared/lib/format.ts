/** How money, days and durations are written. Amounts are integer micro-dollars. */

const CENT = 10_000;

/** What is left or was spent, rounded down to the cent; below a cent with the digits that matter. */
export function money(microusd: number, locale: string): string {
  const amount = Math.abs(microusd);
  const digits = amount > 0 && amount < CENT ? 3 : 2;
  const step = digits === 3 ? 1_000 : CENT;
  return dollars((Math.floor(microusd / step) * step) / 1e6, digits, locale);
}

/** The most that something costs, to a tenth of a cent, rounded up: a ceiling must hold. */
export function ceiling(microusd: number, locale: string): string {
  return dollars(Math.ceil(microusd / 1_000) / 1_000, 3, locale);
}

function dollars(value: number, digits: number, locale: string): string {
  return new Intl.NumberFormat(locale, {
    style: "currency", currency: "USD", currencyDisplay: "narrowSymbol",
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  }).format(value);
}

/** A time (ISO 8601) as a day. */
export function day(iso: string, locale: string): string {
  return new Date(iso).toLocaleDateString(locale, { day: "numeric", month: "long" });
}

/** A moment (epoch milliseconds) as a short day and time. */
export function moment(at: number, locale: string): string {
  return new Date(at).toLocaleString(locale, { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
}
