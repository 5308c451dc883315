import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.CuratorWatcher;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** Curator and its recipes against one server: `java Recipes HOST:PORT`. Prints "ok NAME" for each that works. */
public final class Recipes {
  private static final long PATIENCE_MS = 20_000;
  private static String address;
  private static final List<CuratorFramework> clients = new ArrayList<>();

  interface Recipe {
    void run(String root) throws Exception;
  }

  private static CuratorFramework connect() throws Exception {
    CuratorFramework client =
        CuratorFrameworkFactory.newClient(address, 15_000, 10_000, new RetryNTimes(5, 200));
    client.start();
    check(client.blockUntilConnected(20, TimeUnit.SECONDS), "no connection");
    synchronized (clients) {
      clients.add(client);
    }
    return client;
  }

  private static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }

  private static void until(BooleanSupplier condition, String what) throws InterruptedException {
    long deadline = System.currentTimeMillis() + PATIENCE_MS;
    while (!condition.getAsBoolean()) {
      check(System.currentTimeMillis() < deadline, "never: " + what);
      Thread.sleep(10);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static void nodes(String root) throws Exception {
    CuratorFramework client = connect();
    String path = client.create().creatingParentContainersIfNeeded().forPath(root + "/a/b", bytes("one"));
    check(path.equals(root + "/a/b"), "path " + path);
    Stat stat = new Stat();
    check(new String(client.getData().storingStatIn(stat).forPath(path)).equals("one"), "data");
    check(stat.getVersion() == 0 && stat.getCzxid() == stat.getMzxid(), "stat " + stat);
    check(client.setData().withVersion(0).forPath(path, bytes("two")).getVersion() == 1, "version");
    try {
      client.setData().withVersion(7).forPath(path, bytes("three"));
      check(false, "no BadVersion");
    } catch (KeeperException.BadVersionException expected) {
      // As it should be.
    }
    String protectedPath =
        client.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(root + "/a/p-");
    check(protectedPath.endsWith("0000000001"), protectedPath);
    CompletableFuture<String> created = new CompletableFuture<>();
    client.create().inBackground((who, event) -> created.complete(event.getName())).forPath(root + "/a/c");
    check(created.get(20, TimeUnit.SECONDS).equals(root + "/a/c"), "in background");
    check(client.getChildren().forPath(root + "/a").size() == 3, "children");
    client.delete().guaranteed().deletingChildrenIfNeeded().forPath(root + "/a");
    check(client.checkExists().forPath(root + "/a") == null, "deleted");
  }

  static void transactions(String root) throws Exception {
    CuratorFramework client = connect();
    client.create().creatingParentsIfNeeded().forPath(root);
    var results = client.transaction().forOperations(
        client.transactionOp().create().forPath(root + "/a", bytes("one")),
        client.transactionOp().setData().forPath(root + "/a", bytes("two")),
        client.transactionOp().check().withVersion(1).forPath(root + "/a"));
    check(results.get(1).getResultStat().getVersion() == 1, "version");
    try {
      client.transaction().forOperations(
          client.transactionOp().delete().forPath(root + "/a"),
          client.transactionOp().check().forPath(root + "/none"));
      check(false, "no NoNode");
    } catch (KeeperException.NoNodeException expected) {
      check(expected.getResults().size() == 2, "results");
    }
    check(client.checkExists().forPath(root + "/a") != null, "rolled back");
  }

  static void mutex(String root) throws Exception {
    AtomicInteger holders = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    for (int worker = 0; worker < 4; worker++) {
      InterProcessMutex mutex = new InterProcessMutex(connect(), root);
      Thread thread = new Thread(() -> {
        try {
          for (int round = 0; round < 5; round++) {
            check(mutex.acquire(20, TimeUnit.SECONDS), "not acquired");
            most.accumulateAndGet(holders.incrementAndGet(), Math::max);
            Thread.sleep(1);
            holders.decrementAndGet();
            mutex.release();
          }
        } catch (Throwable failure) {
          failures.add(failure);
        }
      });
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) thread.join();
    check(failures.isEmpty(), "failures: " + failures);
    check(most.get() == 1, most.get() + " held it at once");
  }

  static void readWriteLock(String root) throws Exception {
    InterProcessReadWriteLock one = new InterProcessReadWriteLock(connect(), root);
    InterProcessReadWriteLock two = new InterProcessReadWriteLock(connect(), root);
    one.readLock().acquire();
    check(two.readLock().acquire(20, TimeUnit.SECONDS), "two readers");
    two.readLock().release();
    check(!two.writeLock().acquire(100, TimeUnit.MILLISECONDS), "a writer beside a reader");
    one.readLock().release();
    check(two.writeLock().acquire(20, TimeUnit.SECONDS), "a writer");
    two.writeLock().release();
  }

  static void semaphore(String root) throws Exception {
    InterProcessSemaphoreV2 one = new InterProcessSemaphoreV2(connect(), root, 2);
    InterProcessSemaphoreV2 two = new InterProcessSemaphoreV2(connect(), root, 2);
    var first = one.acquire();
    var second = two.acquire();
    check(two.acquire(200, TimeUnit.MILLISECONDS) == null, "a third lease");
    one.returnLease(first);
    two.returnLease(two.acquire(20, TimeUnit.SECONDS));
    two.returnLease(second);
  }

  static void leaderLatch(String root) throws Exception {
    LeaderLatch one = new LeaderLatch(connect(), root, "one");
    LeaderLatch two = new LeaderLatch(connect(), root, "two");
    one.start();
    check(one.await(20, TimeUnit.SECONDS), "a leader");
    two.start();
    until(() -> participants(one) == 2, "two participants");
    check(!two.hasLeadership(), "two leaders");
    one.close();
    check(two.await(20, TimeUnit.SECONDS), "the next leader");
    two.close();
  }

  private static int participants(LeaderLatch latch) {
    try {
      return latch.getParticipants().size();
    } catch (Exception failure) {
      return -1;
    }
  }

  static void leaderSelector(String root) throws Exception {
    ConcurrentLinkedQueue<String> leaders = new ConcurrentLinkedQueue<>();
    AtomicInteger leading = new AtomicInteger();
    CountDownLatch done = new CountDownLatch(6);
    List<LeaderSelector> selectors = new ArrayList<>();
    for (String name : List.of("one", "two", "three")) {
      LeaderSelector selector = new LeaderSelector(connect(), root, new LeaderSelectorListenerAdapter() {
        @Override
        public void takeLeadership(CuratorFramework client) throws Exception {
          if (leading.incrementAndGet() != 1) leaders.add("two at once");
          leaders.add(name);
          Thread.sleep(5);
          leading.decrementAndGet();
          done.countDown();
        }
      });
      selector.autoRequeue();
      selector.start();
      selectors.add(selector);
    }
    check(done.await(20, TimeUnit.SECONDS), "six reigns: " + leaders);
    for (LeaderSelector selector : selectors) selector.close();
    check(!leaders.contains("two at once"), "leaders: " + leaders);
    check(leaders.containsAll(List.of("one", "two", "three")), "leaders: " + leaders);
  }

  static void cache(String root) throws Exception {
    CuratorFramework watcher = connect();
    CuratorFramework writer = connect();
    writer.create().creatingParentsIfNeeded().forPath(root + "/a/b", bytes("one"));
    // A read without it may be older, as with a follower of an ensemble.
    CountDownLatch synced = new CountDownLatch(1);
    watcher.sync().inBackground((who, event) -> synced.countDown()).forPath(root);
    check(synced.await(20, TimeUnit.SECONDS), "synced");
    ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
    CuratorCache cache = CuratorCache.build(watcher, root);
    CountDownLatch initialized = new CountDownLatch(1);
    cache.listenable().addListener((type, before, after) ->
        events.add(type + " " + (after == null ? before : after).getPath().substring(root.length())));
    cache.listenable().addListener(
        CuratorCacheListener.builder()
            .forInitialized(initialized::countDown).build());
    cache.start();
    check(initialized.await(20, TimeUnit.SECONDS), "initialized");
    check(cache.size() == 3, "size " + cache.size());
    writer.setData().forPath(root + "/a/b", bytes("two"));
    until(() -> cache.get(root + "/a/b").map(data -> new String(data.getData()).equals("two")).orElse(false), "two");
    writer.create().forPath(root + "/a/c", bytes("c"));
    until(() -> cache.get(root + "/a/c").isPresent(), "c");
    writer.delete().deletingChildrenIfNeeded().forPath(root + "/a");
    until(() -> cache.size() == 1, "only the root");
    until(() -> events.contains("NODE_DELETED /a"), "the deletion");
    check(events.contains("NODE_CHANGED /a/b") && events.contains("NODE_CREATED /a/c"), "events " + events);
    cache.close();
  }

  static void persistentWatch(String root) throws Exception {
    CuratorFramework watcher = connect();
    CuratorFramework writer = connect();
    writer.create().creatingParentsIfNeeded().forPath(root);
    ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
    CuratorWatcher listener = (WatchedEvent event) -> {
      if (event.getType() != EventType.None) events.add(event.getType() + " " + event.getPath().substring(root.length()));
    };
    // What another session has just written is not sure to be seen without it, as in an ensemble.
    watcher.sync().forPath(root);
    watcher.watchers().add().withMode(AddWatchMode.PERSISTENT_RECURSIVE).usingWatcher(listener).forPath(root);
    writer.create().forPath(root + "/a");
    writer.setData().forPath(root + "/a", bytes("one"));
    writer.delete().forPath(root + "/a");
    until(() -> events.size() == 3, "three events");
    check(new ArrayList<>(events).equals(
        List.of("NodeCreated /a", "NodeDataChanged /a", "NodeDeleted /a")), "events " + events);
    watcher.watchers().remove(listener).forPath(root);
  }

  static void counters(String root) throws Exception {
    List<Thread> threads = new ArrayList<>();
    ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    for (int worker = 0; worker < 3; worker++) {
      DistributedAtomicLong counter =
          new DistributedAtomicLong(connect(), root + "/long", new RetryNTimes(100, 5));
      Thread thread = new Thread(() -> {
        try {
          for (int round = 0; round < 10; round++) check(counter.increment().succeeded(), "not counted");
        } catch (Throwable failure) {
          failures.add(failure);
        }
      });
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) thread.join();
    check(failures.isEmpty(), "failures: " + failures);
    long value = new DistributedAtomicLong(connect(), root + "/long", new RetryOneTime(1)).get().postValue();
    check(value == 30, "counted " + value);
    SharedCount one = new SharedCount(connect(), root + "/shared", 5);
    SharedCount two = new SharedCount(connect(), root + "/shared", 5);
    one.start();
    two.start();
    one.setCount(7);
    until(() -> two.getCount() == 7, "seven");
    one.close();
    two.close();
  }

  static void persistentNode(String root) throws Exception {
    CuratorFramework client = connect();
    CuratorFramework other = connect();
    PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, root + "/mine", bytes("one"));
    node.start();
    check(node.waitForInitialCreate(20, TimeUnit.SECONDS), "created");
    other.delete().forPath(node.getActualPath());
    until(() -> exists(other, root + "/mine"), "made again");
    node.close();
    until(() -> !exists(other, root + "/mine"), "gone");
    PersistentTtlNode ttl = new PersistentTtlNode(client, root + "/ttl", 60_000, bytes("one"));
    ttl.start();
    check(ttl.waitForInitialCreate(20, TimeUnit.SECONDS), "created");
    ttl.close();
  }

  private static boolean exists(CuratorFramework client, String path) {
    try {
      return client.checkExists().forPath(path) != null;
    } catch (Exception failure) {
      throw new AssertionError(failure);
    }
  }

  static void ttlAndContainer(String root) throws Exception {
    CuratorFramework client = connect();
    client.create().creatingParentsIfNeeded().withMode(CreateMode.CONTAINER).forPath(root + "/container");
    client.create().withTtl(3_600_000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(root + "/ttl");
    String path = client.create().withTtl(3_600_000)
        .withMode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL).forPath(root + "/s-");
    check(path.equals(root + "/s-0000000002"), path);
    Stat stat = client.checkExists().forPath(root + "/container");
    check(stat.getEphemeralOwner() == 0, "owner " + stat);
  }

  static void doubleBarrier(String root) throws Exception {
    CompletableFuture<Boolean> other = new CompletableFuture<>();
    DistributedDoubleBarrier mine = new DistributedDoubleBarrier(connect(), root, 2);
    DistributedDoubleBarrier theirs = new DistributedDoubleBarrier(connect(), root, 2);
    Thread thread = new Thread(() -> {
      try {
        other.complete(theirs.enter(20, TimeUnit.SECONDS) && theirs.leave(20, TimeUnit.SECONDS));
      } catch (Throwable failure) {
        other.completeExceptionally(failure);
      }
    });
    thread.start();
    check(mine.enter(20, TimeUnit.SECONDS) && mine.leave(20, TimeUnit.SECONDS), "mine");
    check(other.get(20, TimeUnit.SECONDS), "theirs");
  }

  static void groupMember(String root) throws Exception {
    GroupMember one = new GroupMember(connect(), root, "one", bytes("1"));
    GroupMember two = new GroupMember(connect(), root, "two", bytes("2"));
    one.start();
    two.start();
    until(() -> one.getCurrentMembers().size() == 2, "two members");
    two.close();
    until(() -> one.getCurrentMembers().size() == 1, "one member");
    one.close();
  }

  /** Somebody takes the session over: the client comes back to it, with its watches. */
  static void reconnect(String root) throws Exception {
    CuratorFramework client = connect();
    CuratorFramework other = connect();
    client.create().creatingParentsIfNeeded().forPath(root);
    client.create().withMode(CreateMode.EPHEMERAL).forPath(root + "/mine");
    CountDownLatch changed = new CountDownLatch(1);
    client.getData().usingWatcher((CuratorWatcher) event -> {
      if (event.getType() == EventType.NodeDataChanged) changed.countDown();
    }).forPath(root);
    var zookeeper = client.getZookeeperClient().getZooKeeper();
    long session = zookeeper.getSessionId();
    CountDownLatch suspended = new CountDownLatch(1);
    CountDownLatch back = new CountDownLatch(1);
    client.getConnectionStateListenable().addListener((who, state) -> {
      if (state.name().equals("SUSPENDED")) suspended.countDown();
      if (state.name().equals("RECONNECTED")) back.countDown();
    });
    Thief thief = new Thief(session, zookeeper.getSessionPasswd());
    check(suspended.await(20, TimeUnit.SECONDS), "suspended");
    other.setData().forPath(root, bytes("changed meanwhile"));
    thief.leave();
    check(back.await(20, TimeUnit.SECONDS), "back");
    check(changed.await(20, TimeUnit.SECONDS), "the watch fires");
    check(client.getZookeeperClient().getZooKeeper().getSessionId() == session, "another session");
    check(client.checkExists().forPath(root + "/mine").getEphemeralOwner() == session, "the ephemeral");
  }

  private static final class Thief extends ZooKeeper {
    Thief(long session, byte[] password) throws IOException {
      super(address, 15_000, event -> {}, session, password);
    }

    /** Ends the connection, not the session. */
    void leave() {
      cnxn.disconnect();
    }
  }

  public static void main(String[] arguments) throws Exception {
    address = arguments[0];
    String base = "/curator-" + UUID.randomUUID();
    var recipes = new LinkedHashMap<String, Recipe>();
    recipes.put("nodes", Recipes::nodes);
    recipes.put("transactions", Recipes::transactions);
    recipes.put("mutex", Recipes::mutex);
    recipes.put("readWriteLock", Recipes::readWriteLock);
    recipes.put("semaphore", Recipes::semaphore);
    recipes.put("leaderLatch", Recipes::leaderLatch);
    recipes.put("leaderSelector", Recipes::leaderSelector);
    recipes.put("cache", Recipes::cache);
    recipes.put("persistentWatch", Recipes::persistentWatch);
    recipes.put("counters", Recipes::counters);
    recipes.put("persistentNode", Recipes::persistentNode);
    recipes.put("ttlAndContainer", Recipes::ttlAndContainer);
    recipes.put("doubleBarrier", Recipes::doubleBarrier);
    recipes.put("groupMember", Recipes::groupMember);
    recipes.put("reconnect", Recipes::reconnect);
    int failures = 0;
    for (var recipe : recipes.entrySet()) {
      long begun = System.nanoTime();
      try {
        recipe.getValue().run(base + "/" + recipe.getKey());
        System.out.println("ok " + recipe.getKey());
      } catch (Throwable failure) {
        failures++;
        System.out.println("FAILED " + recipe.getKey());
        failure.printStackTrace(System.out);
      }
      System.err.printf("%s took %d ms%n", recipe.getKey(), (System.nanoTime() - begun) / 1_000_000);
      for (CuratorFramework client : clients) client.close();
      clients.clear();
    }
    System.exit(failures == 0 ? 0 : 1);
  }
}
