// SPDX-License-Identifier: MIT OR Apache-2.0
// What paper cannot do: tables that sort, values under the pointer, net or raw, one PE of several.
(function () {
  'use strict';
  var each = function (nodes, f) { Array.prototype.forEach.call(nodes, f); };
  var make = function (tag, attributes, text) {
    var node = document.createElement(tag);
    Object.keys(attributes).forEach(function (name) { node.setAttribute(name, attributes[name]); });
    node.textContent = text;
    return node;
  };

  // The number a cell starts with, or none. "[1, 2]" counts as 1, "1,234" as 1234, "5 of 9" as 5.
  var number = function (text) {
    var found = /^\s*\[?\s*([-+]?[0-9][0-9,]*(\.[0-9]+)?)/.exec(text);
    return found ? parseFloat(found[1].replace(/,/g, '')) : null;
  };
  var compare = function (a, b) {
    var x = number(a), y = number(b);
    if (x !== null && y !== null) { return x - y || a.localeCompare(b); }
    if (x !== null || y !== null) { return x !== null ? -1 : 1; }
    return a.localeCompare(b);
  };
  each(document.querySelectorAll('table:not(.matrix)'), function (table) {
    var body = table.tBodies[0];
    if (body.rows.length === 0 || body.rows.length === 1) { return; }
    each(table.tHead.rows[0].cells, function (head, column) {
      var button = make('button', { type: 'button', title: 'Sort' }, head.textContent);
      head.textContent = '';
      head.appendChild(button);
      button.addEventListener('click', function () {
        var down = head.getAttribute('aria-sort') === 'ascending';
        each(table.tHead.rows[0].cells, function (other) { other.removeAttribute('aria-sort'); });
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        var rows = Array.prototype.slice.call(body.rows);
        rows.sort(function (a, b) {
          var order = compare(a.cells[column].textContent, b.cells[column].textContent);
          return down ? -order : order;
        });
        rows.forEach(function (row) { body.appendChild(row); });
      });
    });
  });

  // Tables that nobody reads through: rows that have every word of what is typed.
  var FILTERED = 7;
  each(document.querySelectorAll('table:not(.matrix)'), function (table) {
    var rows = table.tBodies[0].rows;
    if (rows.length <= FILTERED) { return; }
    var scroll = table.parentNode;
    var input = make('input', { type: 'search', placeholder: 'Filter rows: words', 'aria-label': 'Filter rows' }, '');
    var count = make('span', { role: 'status' }, '');
    var bar = make('p', { 'class': 'filter' }, '');
    bar.appendChild(input);
    bar.appendChild(count);
    scroll.parentNode.insertBefore(bar, scroll);
    input.addEventListener('input', function () {
      var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      var shown = 0;
      each(rows, function (row) {
        var text = row.textContent.toLowerCase();
        var has = words.every(function (word) { return text.indexOf(word) !== -1; });
        row.hidden = !has;
        if (has) { shown += 1; }
      });
      count.textContent = words.length === 0 ? '' : ' ' + shown + ' of ' + rows.length;
    });
  });

  // Without this script the further views are below the first one, folded.
  each(document.querySelectorAll('figure'), function (figure) {
    var views = figure.querySelectorAll('.view');
    if (views.length === 1) { return; }
    var bar = make('div', { 'class': 'switch', role: 'group', 'aria-label': 'What is shown' }, '');
    var show = function (chosen) {
      each(views, function (view, index) {
        view.hidden = index !== chosen;
        if (view.tagName === 'DETAILS') { view.open = true; }
        bar.children[index].setAttribute('aria-pressed', index === chosen);
      });
    };
    each(views, function (view, index) {
      var button = make('button', { type: 'button' }, view.getAttribute('data-view'));
      button.addEventListener('click', function () { show(index); });
      bar.appendChild(button);
      var summary = view.querySelector('summary');
      if (summary) { summary.remove(); }
    });
    figure.insertBefore(bar, figure.firstChild);
    show(0);
  });

  var of = document.querySelectorAll('[data-pe]');
  var pes = [];
  each(of, function (node) {
    var pe = node.getAttribute('data-pe');
    if (pes.indexOf(pe) === -1) { pes.push(pe); }
  });
  if (pes.length > 1) {
    var label = make('label', { 'class': 'choice' }, 'PE ');
    var select = make('select', {}, '');
    select.appendChild(make('option', { value: '' }, 'all'));
    pes.sort(function (a, b) { return a - b; }).forEach(function (pe) {
      select.appendChild(make('option', { value: pe }, pe));
    });
    select.addEventListener('change', function () {
      each(of, function (node) {
        node.style.display = select.value === '' || node.getAttribute('data-pe') === select.value ? '' : 'none';
      });
    });
    label.appendChild(select);
    var heading = document.querySelector('h1');
    heading.parentNode.insertBefore(label, heading.nextSibling.nextSibling.nextSibling);
  }

  // Titles in drawings show by themselves, but late, and never on a touch screen.
  var tip = make('div', { 'class': 'tip', role: 'status' }, '');
  tip.hidden = true;
  document.body.appendChild(tip);
  each(document.querySelectorAll('.spots circle'), function (spot) {
    var title = spot.querySelector('title');
    var text = title.textContent;
    title.remove();
    spot.setAttribute('aria-label', text);
    spot.addEventListener('pointerenter', function () {
      var box = spot.getBoundingClientRect();
      tip.textContent = text;
      tip.hidden = false;
      var left = box.left + box.width / 2 - tip.offsetWidth / 2;
      var most = document.documentElement.clientWidth - tip.offsetWidth - 4;
      tip.style.left = Math.max(4, Math.min(left, most)) + 'px';
      tip.style.top = Math.max(4, box.top - tip.offsetHeight - 4) + 'px';
    });
    spot.addEventListener('pointerleave', function () { tip.hidden = true; });
  });
  document.addEventListener('scroll', function () { tip.hidden = true; }, true);
}());
