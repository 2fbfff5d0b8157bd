// Everything is in the page: start its parts.

startSearch();
startMap();
startPairs();
startRejected();
document.documentElement.dataset.ready = "true";
