/** What is kept on this device, in IndexedDB; in a window without storage, for as long as it is open. */

const NAME = "nst-art";
const VERSION = 1;
const SHELVES = ["runs", "draft"] as const;

export type Shelf = (typeof SHELVES)[number];

let opened: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const asking = indexedDB.open(NAME, VERSION);
    asking.onupgradeneeded = () => {
      for (const shelf of SHELVES) asking.result.createObjectStore(shelf);
    };
    asking.onsuccess = () => {
      resolve(asking.result);
    };
    asking.onerror = () => {
      reject(asking.error ?? new Error("no storage"));
    };
  });
  return opened;
}

async function settled<T>(shelf: Shelf, mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const transaction = (await database()).transaction(shelf, mode);
  const asking = ask(transaction.objectStore(shelf));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => {
      resolve(asking.result);
    };
    transaction.onabort = transaction.onerror = () => {
      reject(transaction.error ?? new Error("no storage"));
    };
  });
}

/** Everything on a shelf; nothing when this window has no storage. */
export async function readAll<T>(shelf: Shelf): Promise<T[]> {
  try {
    return await settled<T[]>(shelf, "readonly", (store) => store.getAll() as IDBRequest<T[]>);
  } catch {
    return [];
  }
}

/** Keep a value; false when there is no room, or no storage at all. */
export async function write(shelf: Shelf, key: string, value: unknown): Promise<boolean> {
  try {
    await settled(shelf, "readwrite", (store) => store.put(value, key));
    return true;
  } catch {
    return false;
  }
}

/** Forget a value. */
export async function remove(shelf: Shelf, key: string): Promise<void> {
  try {
    await settled(shelf, "readwrite", (store) => store.delete(key));
  } catch {
    // Nothing was kept.
  }
}
