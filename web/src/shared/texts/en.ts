/** English: every text that a visitor reads. A second language is a second file of this shape. */

import type { SchemaBudget } from "@/shared/api/contract";
import * as format from "@/shared/lib/format";

const LOCALE = "en";
const money = (microusd: number) => format.money(microusd, LOCALE);
const ceiling = (microusd: number) => format.ceiling(microusd, LOCALE);

/** Seconds for people. */
function duration(seconds: number): string {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

export const en = {
  locale: LOCALE,
  language: "English",
  title: "nst-art: turn a photo into a painting",

  header: {
    home: "nst-art, to the studio",
    languages: "Language",
    theme: "Light or dark",
    themes: { system: "As the device", light: "Light", dark: "Dark" },
    skip: "To the content",
  },
  footer: {
    privacy: "Nobody is asked who you are. Pictures are deleted after 7 days, and leave this page without the places and names that photos carry.",
    fonts: "Pictures shown as samples are free of rights.",
  },

  budget: {
    label: "The budget",
    left: (view: SchemaBudget) => `${money(view.available_microusd)} of ${money(view.limit_microusd)} left`,
    hint: (view: SchemaBudget) => `Paintings are free for you: they are paid from a shared budget, which renews on ${format.day(view.renews_at, LOCALE)}.`,
    loading: "Looking at the budget",
  },

  closed: {
    "budget-exhausted": (view: SchemaBudget) => ({
      title: "The budget is spent",
      text: `This month's money for paintings is used up. It renews on ${format.day(view.renews_at, LOCALE)}.`,
    }),
    "daily-limit-reached": () => ({
      title: "Enough for today",
      text: "Today's share of the budget is spent, so that something is left for the rest of the month. Come back tomorrow.",
    }),
    "too-many-runs": () => ({
      title: "All easels are taken",
      text: "As many paintings as can be made at once are being made. One gets free in a minute or so; this page keeps looking.",
    }),
    other: () => ({ title: "The studio is closed for a moment", text: "Nothing is started right now. This page keeps looking." }),
    still: "You can still choose your pictures, which stay here for next time, and look at, compare and download what you have painted.",
  },
  offline: { title: "No connection", text: "The studio does not answer. This page keeps trying, and nothing that you chose is lost." },
  crowded: { title: "The studio is closed for now", text: "More visitors came than it can serve, so it takes no one for a while. This page keeps asking; what you chose stays here." },
  busy: { title: "Busy right now", text: "Many visitors came at once. This page asks again in a moment; what you chose stays here." },
  trouble: { title: "Something is wrong on our side", text: "The studio answers, but not as it should. This page keeps trying, and nothing that you chose is lost." },
  retry: "Try now",

  welcome: {
    title: "Turn a photo into a painting",
    lead: "Choose a photo and a style, and watch it form stroke by stroke.",
    before: "Photo",
    after: "Painting",
    drop: "Drop a photo here",
    orPaste: "or paste one. JPEG, PNG or WebP.",
    choose: "Choose a photo",
    camera: "Take a photo",
    samples: "No photo at hand?",
    sample: { cat: "Try the cat", coffee: "Try the coffee" },
  },
  photo: {
    heading: "Your photo",
    alt: (name: string) => `Your photo, ${name}`,
    replace: "Another photo",
    remove: "Remove the photo",
    preparing: "Making it ready",
    letGo: "Let go to use this picture",
  },
  style: {
    heading: "Style",
    hint: "One, or up to four in a mix.",
    house: "House styles",
    names: {
      "tidal-waves": "Tidal waves",
      "stained-glass": "Stained glass",
      "oil-swirls": "Oil swirls",
      "ink-wash": "Ink wash",
    } as Record<string, string>,
    own: "A picture of your own",
    ownHint: "any picture can be the style",
    remove: (name: string) => `Remove ${name}`,
    share: (name: string) => `How much of ${name}`,
    mix: "The mix",
    full: "Four is the most. Take one away first.",
  },

  refused: {
    kind: {
      gif: "GIFs are not taken. Save it as JPEG or PNG.",
      heic: "This is a HEIC photo, which browsers cannot read everywhere. Export it as JPEG.",
      avif: "AVIF pictures are not taken. Save it as JPEG or PNG.",
      svg: "This is an SVG drawing. Export it as PNG.",
      html: "This is a web page, not a picture.",
      pdf: "This is a PDF. Save the page as a picture.",
      video: "This is a video. A single frame of it, saved as a picture, works.",
      unknown: "This is no picture that we can read. JPEG, PNG and WebP work.",
    },
    "too-large": "This file is larger than 60 MB. Save it smaller.",
    "too-many-pixels": "This picture has more than 100 million pixels. Save it smaller.",
    "too-small": "This picture is too small: 32 pixels are the least.",
    "too-elongated": "This picture is too long and narrow: at most ten to one.",
    broken: "This picture is damaged or incomplete. Save it again.",
    empty: "This file is empty.",
    dismiss: "All right",
  },

  params: {
    heading: "How to paint",
    algorithm: "Way of painting",
    algorithms: {
      painted: ["Painted", "Stroke by stroke: closest to the style, and worth the wait."],
      instant: ["Instant", "At once, by a trained network: a lighter touch of the style, in a moment."],
    } as Record<string, readonly [string, string]>,
    instantHint: "Quality and variation play no part in an instant painting: it always comes out the same.",
    quality: "Quality",
    qualities: {
      draft: ["Draft", "A quick look at the idea."],
      good: ["Good", "Well painted; the usual choice."],
      best: ["Best", "The finest strokes. Takes longest."],
    },
    size: "Size",
    sizeHint: "Pixels of the long side. Twice as large takes four times as long.",
    strength: "Strength",
    strengths: ["a hint", "gentle", "balanced", "bold", "wild"],
    strengthHint: "How far the style may go.",
    scale: "Strokes",
    scales: ["finest", "finer", "as in the style", "larger", "largest"],
    scaleHint: "How large the style's strokes are in the painting.",
    colours: "Colours",
    colourings: {
      style: ["Style", "The painting has the colours of the style."],
      palette: ["Palette", "The colours of your photo, mixed anew by the strokes."],
      photo: ["Photo", "Every place keeps the colour that it has in your photo."],
    },
    more: "Variation",
    seed: "Number of the variation",
    seedHint: "The same number paints the same picture again; another one, another take.",
    shuffle: "Another variation",
  },

  run: {
    paint: "Paint it",
    asking: "Asking for an easel",
    missingPhoto: "Choose a photo first.",
    missingStyle: "Choose a style, too.",
    preparing: "Your picture is being made ready.",
    most: (microusd: number) => `at most ${ceiling(microusd)}`,
    free: "Free for you; what is not used goes back into the budget.",
    dear: "This costs more than what is left. A smaller size or a quicker painting may still fit.",
    closed: "Nothing can be started right now.",
  },
  problems: {
    "budget-exhausted": "The budget is spent. It renews at the start of the month.",
    "daily-limit-reached": "Today's share of the budget is spent. Come back tomorrow.",
    "too-many-runs": "All easels are taken. Try again in a minute.",
    "too-many-requests": "Too many visitors at once. Try again in a moment.",
    "budget-unavailable": "The budget cannot be read right now, so nothing is started. Try again.",
    "run-conflict": "This run was started before with other pictures. Start a new one.",
    "upload-missing": "A picture did not arrive. Try again.",
    "upload-refused": "The store did not take a picture. Try again, or choose another one.",
    "picture-refused": "The painter cannot use one of the pictures.",
    "no-capacity": "No machine is free for this painting right now. Try again in some minutes.",
    "task-refused": "The painter could not be started; nothing was painted.",
    "worker-failed": "The painter failed at these pictures. Try again, or with other settings.",
    "task-stopped": "The painter ended before the painting was done. Try again.",
    "worker-lost": "The painter did not start in time, or fell silent. Try again.",
    "timed-out": "It took too long. Try again.",
    "upstream-failed": "Something that we depend on failed. Try again.",
    offline: "The connection was lost for too long. Try again.",
    other: "Something went wrong on our side. Try again.",
  } as Record<string, string>,

  steps: {
    uploading: "Send the pictures",
    starting: "Start a machine",
    checking: "Look at the pictures",
    running: "Paint",
    finishing: "Varnish",
  },
  watch: {
    heading: "Being painted",
    picture: "The painting as it forms",
    progress: "Progress",
    uploading: (percent: number) => `Sending the pictures: ${percent} %`,
    starting: "Starting a machine just for you",
    startingMore: "It can take up to a minute.",
    checking: "Looking at the pictures",
    warming: "Mixing the paint",
    running: (step: number, steps: number) => `Step ${step} of ${steps}`,
    at: (size: number) => `at ${size} px`,
    left: (seconds: number) => `about ${duration(seconds)} left`,
    finishing: "Varnishing",
    stopping: "Stopping",
    offline: "No connection: trying again",
    offlineMore: "The painting goes on without it.",
    stop: "Stop",
    cancel: "Cancel",
    keep: "You may close this page, or start another painting. It waits for you here.",
    curve: "For the curious: the loss",
    curveAlt: (loss: string) => `How far the picture is from what is asked, step by step; now ${loss}`,
    another: "Start another",
  },
  result: {
    heading: "Painted",
    early: "Its time was up, so this is the best picture until then.",
    fetching: "Fetching the painting",
    alt: "The painting",
    before: "Photo",
    after: "Painting",
    slider: "Show more of the photo or of the painting",
    zoomIn: "Closer",
    zoomOut: "Back",
    zoom: (percent: number) => `${percent} %`,
    canvas: "The painting; scroll it when it is enlarged",
    png: "Download PNG",
    jpeg: "JPEG",
    share: "Copy link",
    shared: "Link copied",
    shareHint: "Whoever has the link sees the painting, for 7 days.",
    shareAddress: "The link of this painting",
    again: "Change something",
    fresh: "New painting",
    most: (microusd: number) => `It cost ${ceiling(microusd)} at most.`,
    made: (styles: string, quality: string, size: number) => `${styles}; ${quality}, ${size} px`,
  },
  ended: {
    failed: "This did not work",
    failedHint: "What was not used is not charged to the budget, and your pictures are still here.",
    cancelled: "Stopped",
    cancelledHint: "The machine is off. What you chose is still here.",
    expired: "This painting is not here any more",
    expiredHint: "Paintings are deleted after 7 days. If you followed a link, it may also not be complete.",
    expiredKept: "A small copy is all that is left on this device.",
    said: "The painter says:",
    again: "Try again",
  },
  shelf: {
    heading: "Your paintings",
    hint: "Kept on this device only.",
    open: (name: string, at: number) => `${name}, ${format.moment(at, LOCALE)}`,
    states: {
      uploading: "Sending", starting: "Starting", checking: "Starting", running: "Painting", finishing: "Varnishing",
      succeeded: "Painted", failed: "Failed", cancelled: "Stopped", expired: "Gone",
    },
    forget: (name: string) => `Forget ${name}`,
  },
  crash: { title: "This page tripped", text: "Something unexpected happened here. Your paintings go on; load the page again.", reload: "Load again" },
};

/** What every language has. */
export type Texts = typeof en;
