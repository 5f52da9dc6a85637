// Every text that a visitor reads, and how numbers and dates are written.

const LOCALE = "en";

/** Micro-dollars for people; below a cent with the digits that matter. Rounded down, as money is. */
export function money(microusd) {
  const sign = microusd < 0 ? "-" : "";
  const amount = Math.abs(microusd);
  if (amount > 0 && amount < 10_000) {
    return `${sign}$0.${String(amount).padStart(6, "0").replace(/0+$/, "")}`;
  }
  const cents = Math.floor(microusd / 10_000);
  const dollars = Math.floor(Math.abs(cents) / 100).toLocaleString(LOCALE);
  return `${sign}$${dollars}.${String(Math.abs(cents) % 100).padStart(2, "0")}`;
}

/** The most that something costs, to a tenth of a cent, rounded up: a ceiling must hold. */
export function ceiling(microusd) {
  return `$${(Math.ceil(microusd / 1000) / 1000).toFixed(3)}`;
}

/** A time (ISO 8601) as a day. */
export function day(iso) {
  return new Date(iso).toLocaleDateString(LOCALE, { day: "numeric", month: "long", year: "numeric" });
}

/** Seconds for people. */
export function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.round(seconds / 60)} min`;
}

export const texts = {
  title: "Turn a photo into a painting",
  lead: "Give us a photo and the manner to paint it in. You see it form, stroke by stroke.",
  foot: "Pictures are yours: nobody is asked who you are, and everything is deleted after 7 days.",

  content: {
    heading: "Your photo",
    drop: "Drop a photo here, or choose one",
    hint: "JPEG, PNG or WebP",
    change: "Choose another",
  },
  style: {
    heading: "The manner",
    hint: "Up to four: they are mixed.",
    add: "Drop a picture of your own, or choose one",
    remove: (name) => `Remove ${name}`,
    weight: (name) => `How much of ${name}`,
    full: "Four is the most.",
  },
  house: { heading: "House styles" },
  unknownPicture: (name) =>
    `${name} is no picture that we can use. JPEG, PNG and WebP work.`,
  tooLarge: (name, bytes) => `${name} is larger than the ${Math.floor(bytes / 2 ** 20)} MB we take.`,
  noPreview: "No preview",

  params: {
    heading: "How to paint",
    quality: "Care",
    qualities: {
      draft: ["Draft", "A quick look."],
      good: ["Good", "Well painted; the usual choice."],
      best: ["Best", "The finest strokes; takes longest."],
    },
    size: "Size",
    sizeOf: (px) => `${px} px on the long side`,
    strength: "Boldness",
    strengthOf: (value) =>
      value < 0.5 ? "a hint" : value < 0.9 ? "gentle" : value <= 1.1 ? "balanced" : value < 1.6 ? "bold" : "wild",
    keepColours: "Keep the colours of my photo",
    seed: "Variation",
    seedHint: "The same number paints the same picture again.",
    more: "More",
  },

  run: "Paint it",
  missingContent: "Choose a photo first.",
  missingStyle: "Choose a manner, too.",
  costs: (microusd) => `at most ${ceiling(microusd)}`,
  costsHint: "Nobody asks you for it: it is paid from our budget, and what is not used goes back.",
  left: (view) => `${money(view.available_microusd)} of ${money(view.limit_microusd)} left`,
  tooDear: "This is more than what is left. A smaller size or a quicker painting may still fit.",

  closed: {
    "budget-exhausted": (view) => [
      "The budget is spent",
      `This month's money for paintings is used up. It renews on ${day(view.renews_at)}: see you then.`,
    ],
    "daily-limit-reached": () => [
      "Enough for today",
      "Today's share of the budget is spent, so that something is left for the rest of the month. Come back tomorrow.",
    ],
    "too-many-runs": () => [
      "All easels are taken",
      "As many paintings as can be made at once are being made. One gets free in a minute or so; we keep looking.",
    ],
    other: () => ["The studio is closed for a moment", "Nothing is started right now. We keep looking."],
  },
  offline: [
    "No connection",
    "The studio does not answer. We keep trying; nothing that you chose is lost.",
  ],

  stage: {
    admitting: "Asking for an easel",
    uploading: (percent) => `Sending the pictures: ${percent} %`,
    starting: "Waiting for a machine",
    checking: "Looking at the pictures",
    running: ({ step, steps, size }) => `Painting at ${size} px: step ${step} of ${steps}`,
    eta: (seconds) => `about ${duration(seconds)} left`,
    warming: "Mixing the paint",
    finishing: "Varnishing",
    stopping: "Stopping",
    offline: "The connection is gone; the painting goes on. Trying again",
  },
  watch: {
    heading: "Being painted",
    stop: "Stop",
    keep: "You may close this page; its address brings you back here.",
    picture: "The painting as it forms",
    progress: "Progress",
  },
  result: {
    heading: "Painted",
    early: "Its time was up, so this is the best picture until then.",
    download: "Download",
    again: "Paint again",
    fresh: "New painting",
    slider: "Show more of the photo or of the painting",
    before: "Photo",
    after: "Painting",
    settling: "Counting what it cost…",
    cost: (microusd) => `It cost ${money(microusd)}.`,
    atMost: (microusd) => `It cost ${ceiling(microusd)} at most.`,
    left: (view) => `${money(view.available_microusd)} are left of ${money(view.limit_microusd)}.`,
  },
  ended: {
    failed: "This did not work",
    failedHint: "Nothing that was not used is charged to the budget.",
    cancelled: "Stopped",
    cancelledHint: "The machine is off. What you chose is still here.",
    noReason: "The painter gave no reason. Please try again.",
    unknown: "There is no such painting",
    unknownHint: "Paintings are deleted after 7 days, or the address is not complete.",
    again: "Try again",
  },
};
