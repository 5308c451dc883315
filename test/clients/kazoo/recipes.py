"""kazoo's client and recipes against one server: `python recipes.py HOST:PORT`. Prints "ok NAME" for each that works."""
import sys
import threading
import time
import traceback
import uuid

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import (
    BadVersionError, LockTimeout, NoAuthError, NodeExistsError, NoNodeError, NotEmptyError, RolledBackError,
    RuntimeInconsistency,
)
from kazoo.recipe.cache import TreeCache
from kazoo.security import make_digest_acl

HOSTS = sys.argv[1]
PATIENCE = 20
clients = []


def connect(**options):
    client = KazooClient(hosts=HOSTS, timeout=15, **options)
    client.start(timeout=PATIENCE)
    clients.append(client)
    return client


def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError('never: ' + what)
        time.sleep(0.01)


def background(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def joined(*threads):
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), 'a thread hangs'


def raises(error, work):
    try:
        work()
    except error:
        return
    raise AssertionError('no ' + error.__name__)


def look(client, path):
    """Lets the session see what others wrote: a read without it may be older, as with a follower of an ensemble."""
    client.sync(path)
    return client


def nodes(root):
    client = connect()
    assert client.create(root + '/a/b', b'one', makepath=True) == root + '/a/b'
    assert client.get(root + '/a/b')[0] == b'one'
    stat = client.set(root + '/a/b', b'two')
    assert stat.version == 1 and stat.data_length == 3
    assert client.exists(root + '/none') is None
    raises(NodeExistsError, lambda: client.create(root + '/a'))
    raises(NoNodeError, lambda: client.get(root + '/none'))
    raises(NotEmptyError, lambda: client.delete(root + '/a'))
    raises(BadVersionError, lambda: client.set(root + '/a/b', b'three', version=7))
    path, stat = client.create(root + '/a/s', b'', sequence=True, include_data=True)
    assert path == root + '/a/s0000000001' and stat.version == 0
    children, stat = client.get_children(root + '/a', include_data=True)
    assert sorted(children) == ['b', 's0000000001'] and stat.children_count == 2
    big = b'x' * 900_000
    client.set(root + '/a/b', big)
    assert client.get(root + '/a/b')[0] == big
    client.delete(root + '/a', recursive=True)
    assert client.sync(root)
    assert client.command(b'ruok') == 'imok'


def pipelining(root):
    client = connect()
    client.ensure_path(root)
    created = [client.create_async('%s/n%03d' % (root, number), b'%d' % number) for number in range(200)]
    read = [client.get_async('%s/n%03d' % (root, number)) for number in range(200)]
    assert [one.get(timeout=PATIENCE) for one in created] == ['%s/n%03d' % (root, n) for n in range(200)]
    assert [one.get(timeout=PATIENCE)[0] for one in read] == [b'%d' % n for n in range(200)]


def transactions(root):
    client = connect()
    client.ensure_path(root)
    transaction = client.transaction()
    transaction.create(root + '/a', b'one')
    transaction.set_data(root + '/a', b'two')
    transaction.check(root + '/a', version=1)
    path, stat, checked = transaction.commit()
    assert path == root + '/a' and stat.version == 1 and checked is True
    transaction = client.transaction()
    transaction.delete(root + '/a')
    transaction.check(root + '/none', version=1)
    transaction.create(root + '/b')
    results = transaction.commit()
    assert [type(result) for result in results] == [RolledBackError, NoNodeError, RuntimeInconsistency], results
    assert client.exists(root + '/a') and not client.exists(root + '/b')


def acls(root):
    owner = connect(auth_data=[('digest', 'ann:secret')])
    stranger = connect()
    owner.ensure_path(root)
    owner.create(root + '/mine', b'secret', acl=[make_digest_acl('ann', 'secret', all=True)])
    assert owner.get(root + '/mine')[0] == b'secret'
    look(stranger, root)
    raises(NoAuthError, lambda: stranger.get(root + '/mine'))
    stranger.add_auth('digest', 'ann:secret')
    assert stranger.get(root + '/mine')[0] == b'secret'
    acl, stat = owner.get_acls(root + '/mine')
    assert acl == [make_digest_acl('ann', 'secret', all=True)] and stat.aversion == 0


def lock(root):
    first, second = connect(), connect()
    order = []
    held = first.Lock(root, 'first')
    wanted = second.Lock(root, 'second')
    assert held.acquire(timeout=PATIENCE)

    def contend():
        with wanted:
            order.append('second')

    thread = background(contend)
    until(lambda: len(held.contenders()) == 2, 'two contenders')
    assert held.contenders() == ['first', 'second']
    raises(LockTimeout, lambda: first.Lock(root, 'third').acquire(timeout=0.2))
    order.append('first')
    held.release()
    joined(thread)
    assert order == ['first', 'second']
    # A holder whose session ends lets go.
    assert held.acquire(timeout=PATIENCE)
    thread = background(contend)
    until(lambda: len(wanted.contenders()) == 2, 'two contenders')
    first.stop()
    joined(thread)


def read_write_lock(root):
    client, other = connect(), connect()
    readers = [client.ReadLock(root), other.ReadLock(root)]
    for reader in readers:
        assert reader.acquire(timeout=PATIENCE)
    writer = look(connect(), root).WriteLock(root)
    assert not writer.acquire(blocking=False)
    for reader in readers:
        reader.release()
    assert writer.acquire(timeout=PATIENCE)
    writer.release()


def semaphore(root):
    leases = [connect().Semaphore(root, 'holder', max_leases=2) for _ in range(3)]
    assert leases[0].acquire() and leases[1].acquire()
    assert not leases[2].acquire(blocking=False)
    leases[0].release()
    assert leases[2].acquire(timeout=PATIENCE)


def election(root):
    one, two = connect(), connect()
    leaders = []
    go_on = threading.Event()

    def lead(name):
        leaders.append(name)
        go_on.wait(PATIENCE)

    elections = {'one': one.Election(root, 'one'), 'two': two.Election(root, 'two')}
    first = background(lambda: elections['one'].run(lead, 'one'))
    until(lambda: leaders == ['one'], 'a leader')
    second = background(lambda: elections['two'].run(lead, 'two'))
    until(lambda: elections['one'].contenders() == ['one', 'two'], 'two candidates')
    assert leaders == ['one']
    go_on.set()
    joined(first, second)
    assert leaders == ['one', 'two']


def queues(root):
    producer, consumer = connect(), connect()
    queue = producer.Queue(root + '/plain')
    for number in (1, 2, 3):
        queue.put(b'%d' % number)
    queue.put(b'urgent', priority=1)
    other = look(consumer, root).Queue(root + '/plain')
    assert len(other) == 4
    assert [other.get() for _ in range(5)] == [b'urgent', b'1', b'2', b'3', None]
    producer.LockingQueue(root + '/locking').put_all([b'a', b'b'])
    locking = look(consumer, root).LockingQueue(root + '/locking')
    assert locking.get(timeout=PATIENCE) == b'a' and locking.consume()
    assert locking.get(timeout=PATIENCE) == b'b' and locking.release()
    assert look(producer, root).LockingQueue(root + '/locking').get(timeout=PATIENCE) == b'b'


def counter(root):
    counters = [connect().Counter(root + '/count') for _ in range(3)]
    reader = connect()

    def add(mine):
        for _ in range(10):
            mine += 1

    joined(*[background(lambda mine=mine: add(mine)) for mine in counters])
    value = look(reader, root).Counter(root + '/count').value
    assert value == 30, value


def barriers(root):
    keeper, waiting = connect(), connect()
    barrier = keeper.Barrier(root + '/plain')
    barrier.create()
    assert not look(waiting, root).Barrier(root + '/plain').wait(0.1)
    thread = background(lambda: waiting.Barrier(root + '/plain').wait(PATIENCE))
    barrier.remove()
    joined(thread)
    entered = []

    def take_part(client):
        double = client.DoubleBarrier(root + '/double', 2)
        double.enter()
        entered.append(client)
        double.leave()

    joined(background(lambda: take_part(keeper)), background(lambda: take_part(waiting)))
    assert len(entered) == 2


def parties(root):
    one, two = connect(), connect()
    for kind, path in (('Party', root + '/party'), ('ShallowParty', root + '/shallow')):
        first, second = getattr(one, kind)(path, 'one'), getattr(two, kind)(path, 'two')
        first.join()
        second.join()
        until(lambda: sorted(first) == ['one', 'two'], 'a party of two')
        second.leave()
        until(lambda: list(first) == ['one'], 'a party of one')


def data_watch(root):
    watcher, writer = connect(), connect()
    seen = []

    @watcher.DataWatch(root + '/node')
    def on_change(data, stat, event):
        seen.append((data, event and event.type))

    writer.ensure_path(root)
    writer.create(root + '/node', b'one')
    until(lambda: len(seen) == 2, 'the creation')
    writer.set(root + '/node', b'two')
    until(lambda: len(seen) == 3, 'the change')
    writer.delete(root + '/node')
    until(lambda: len(seen) == 4, 'the deletion')
    assert seen == [(None, None), (b'one', 'CREATED'), (b'two', 'CHANGED'), (None, 'DELETED')], seen


def children_watch(root):
    watcher, writer = connect(), connect()
    writer.ensure_path(root)
    look(watcher, root)
    seen = []

    @watcher.ChildrenWatch(root)
    def on_children(children):
        seen.append(sorted(children))

    writer.create(root + '/a')
    until(lambda: seen[-1] == ['a'], 'a')
    writer.create(root + '/b')
    until(lambda: seen[-1] == ['a', 'b'], 'a and b')
    writer.delete(root + '/a')
    until(lambda: seen[-1] == ['b'], 'b alone')
    assert seen[0] == []


def tree_cache(root):
    watcher, writer = connect(), connect()
    writer.ensure_path(root + '/a/b')
    cache = TreeCache(look(watcher, root), root)
    cache.start()
    until(lambda: cache.get_data(root + '/a/b') is not None, 'the whole tree')
    writer.set(root + '/a/b', b'new')
    until(lambda: cache.get_data(root + '/a/b').data == b'new', 'the change')
    writer.create(root + '/a/c', b'c')
    until(lambda: cache.get_children(root + '/a') == frozenset(['b', 'c']), 'the new child')
    cache.close()


def reconnect(root):
    client, other = connect(), connect()
    client.ensure_path(root)
    client.create(root + '/mine', b'', ephemeral=True)
    states, changes = [], []
    client.add_listener(states.append)
    client.get(root, watch=lambda event: changes.append(event.type))
    session = client.client_id
    client._connection._socket.shutdown(2)
    until(lambda: KazooState.SUSPENDED in states, 'the loss')
    other.set(root, b'changed meanwhile')
    until(lambda: states and states[-1] == KazooState.CONNECTED, 'the return')
    assert client.client_id == session, 'another session'
    assert client.exists(root + '/mine').owner_session_id == session[0]
    assert look(client, root).get(root)[0] == b'changed meanwhile'
    assert KazooState.LOST not in states


def expiry(root):
    client = connect()
    client.ensure_path(root)
    client.create(root + '/mine', b'', ephemeral=True)
    states = []
    client.add_listener(states.append)
    # Somebody takes the session over and closes it.
    thief = connect(client_id=client.client_id)
    thief.stop()
    until(lambda: KazooState.LOST in states, 'the loss')
    until(lambda: states[-1] == KazooState.CONNECTED, 'a new session')
    assert look(client, root).exists(root + '/mine') is None


RECIPES = [
    nodes, pipelining, transactions, acls, lock, read_write_lock, semaphore, election, queues, counter, barriers,
    parties, data_watch, children_watch, tree_cache, reconnect, expiry,
]


def main():
    failures = 0
    base = '/kazoo-' + uuid.uuid4().hex
    for recipe in RECIPES:
        begun = time.monotonic()
        try:
            recipe('%s/%s' % (base, recipe.__name__))
            print('ok ' + recipe.__name__, flush=True)
        except Exception:
            failures += 1
            print('FAILED %s\n%s' % (recipe.__name__, traceback.format_exc()), flush=True)
        print('%s took %.2f s' % (recipe.__name__, time.monotonic() - begun), file=sys.stderr)
        for client in clients:
            client.stop()
            client.close()
        clients.clear()
    sys.exit(1 if failures else 0)


main()
