// A message centre for tests: prints its port, then one JSON line for each thing that happens, and does what the lines on
// standard input say: {"deliver": {…}} sends a deliver_sm to whoever is bound, {"close": true} drops the connection,
// {"statuses": [88, 0]} are the answers to the next submit_sm.
import { createInterface } from 'node:readline';
import smpp from 'smpp';

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const sessions = new Set();
let statuses = [];
let count = 0;

const server = smpp.createServer((session) => {
    session.on('bind_transceiver', (pdu) => {
        const wrong = pdu.system_id !== 'outrider' || pdu.password !== 'secret';
        session.send(pdu.response({ command_status: wrong ? smpp.ESME_RBINDFAIL : smpp.ESME_ROK }));
        if (!wrong) sessions.add(session);
        say({ bound: pdu.system_id, accepted: !wrong, version: pdu.interface_version });
    });
    session.on('submit_sm', (pdu) => {
        const status = statuses.shift() ?? 0;
        const id = status === 0 ? `m${++count}` : undefined;
        session.send(pdu.response({ command_status: status, message_id: id }));
        const { udh, message } = pdu.short_message;
        say({
            to: pdu.destination_addr, from: pdu.source_addr, text: message.toString(), data_coding: pdu.data_coding,
            udh: udh ? udh.map((element) => element.toString('hex')).join('') : null,
            receipt: pdu.registered_delivery, status, id: id ?? null,
        });
    });
    session.on('deliver_sm_resp', (pdu) => say({ answered: pdu.command_status }));
    session.on('enquire_link', (pdu) => session.send(pdu.response()));
    session.on('unbind', (pdu) => session.send(pdu.response()));
    session.on('close', () => sessions.delete(session));
    session.on('error', () => sessions.delete(session));
});

createInterface({ input: process.stdin }).on('line', (line) => {
    const order = JSON.parse(line);
    if (order.statuses) statuses = order.statuses;
    for (const session of sessions) {
        if (order.deliver) session.deliver_sm(order.deliver);
        if (order.enquire) session.enquire_link(() => say({ alive: true }));
        if (order.close) session.destroy();
    }
}).on('close', () => process.exit(0));

server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
