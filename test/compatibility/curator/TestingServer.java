package org.apache.curator.test;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** Ahead of Curator's own on the class path: a port in front of a gateway of a fresh instance. */
public class TestingServer implements Closeable {
    private static final String CONTROL = System.getenv("FAASKEEPER_COMPATIBILITY_URL");

    private final String name = "curator-" + UUID.randomUUID();
    private final int port;
    private final File directory;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private ServerSocket listener;
    private boolean closed;

    public TestingServer() throws Exception {
        this(-1, null, true);
    }

    public TestingServer(boolean start) throws Exception {
        this(-1, null, start);
    }

    public TestingServer(int port) throws Exception {
        this(port, null, true);
    }

    public TestingServer(int port, boolean start) throws Exception {
        this(port, null, start);
    }

    public TestingServer(int port, File directory) throws Exception {
        this(port, directory, true);
    }

    public TestingServer(InstanceSpec spec, boolean start) throws Exception {
        this(spec.getPort(), spec.getDataDirectory(), start);
    }

    public TestingServer(int port, File directory, boolean start) throws Exception {
        this.port = port < 0 ? InstanceSpec.getRandomPort() : port;
        this.directory = directory == null ? Files.createTempDirectory("curator").toFile() : directory;
        this.directory.deleteOnExit();
        if (start) {
            start();
        }
    }

    TestingZooKeeperServer getTestingZooKeeperServer() {
        throw new UnsupportedOperationException("There is no server inside");
    }

    public int getPort() {
        return port;
    }

    public File getTempDirectory() {
        return directory;
    }

    public String getConnectString() {
        return "127.0.0.1:" + port;
    }

    public synchronized void start() throws Exception {
        if (listener != null) {
            return;
        }
        String[] gateway = control("GET").split(":");
        ServerSocket opened = new ServerSocket(port, 128, InetAddress.getByName("127.0.0.1"));
        listener = opened;
        daemon(() -> accept(opened, gateway[0], Integer.parseInt(gateway[1])));
    }

    public synchronized void restart() throws Exception {
        stop();
        start();
    }

    public synchronized void stop() throws IOException {
        if (listener == null) {
            return;
        }
        listener.close();
        listener = null;
        for (Socket socket : sockets) {
            close(socket);
        }
    }

    @Override
    public synchronized void close() throws IOException {
        stop();
        if (!closed) {
            closed = true;
            control("DELETE");
        }
    }

    private String control(String method) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) URI.create(CONTROL + "/" + name).toURL().openConnection();
        connection.setRequestMethod(method);
        try (InputStream body = connection.getInputStream()) {
            return new String(body.readAllBytes());
        }
    }

    private void accept(ServerSocket from, String host, int gatewayPort) {
        while (true) {
            try {
                Socket client = from.accept();
                sockets.add(client);
                Socket gateway = new Socket(host, gatewayPort);
                sockets.add(gateway);
                client.setTcpNoDelay(true);
                gateway.setTcpNoDelay(true);
                daemon(() -> forward(client, gateway));
                daemon(() -> forward(gateway, client));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void forward(Socket from, Socket to) {
        try {
            InputStream input = from.getInputStream();
            OutputStream output = to.getOutputStream();
            byte[] buffer = new byte[65536];
            for (int count = input.read(buffer); count >= 0; count = input.read(buffer)) {
                output.write(buffer, 0, count);
            }
            to.shutdownOutput();
        } catch (IOException e) {
            close(from);
            close(to);
        } finally {
            sockets.remove(from);
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException ignored) {
            // It is closed.
        }
    }

    private static void daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        thread.start();
    }
}
