// Viewer request of the website: an address without a file extension is the page itself.
// (Custom error responses would do it for /api as well, and turn its 404s into pages.)
function handler(event) {
  var request = event.request;
  var last = request.uri.substring(request.uri.lastIndexOf("/") + 1);
  if (last.indexOf(".") === -1) {
    request.uri = "/index.html";
  }
  return request;
}
