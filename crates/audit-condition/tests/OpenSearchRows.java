import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import org.opensearch.action.bulk.BulkRequestBuilder;
import org.opensearch.action.search.SearchResponse;
import org.opensearch.client.Client;
import org.opensearch.common.settings.Settings;
import org.opensearch.common.xcontent.XContentType;
import org.opensearch.common.xcontent.json.JsonXContent;
import org.opensearch.core.xcontent.DeprecationHandler;
import org.opensearch.core.xcontent.NamedXContentRegistry;
import org.opensearch.index.query.QueryBuilders;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.search.SearchHit;
import org.opensearch.search.SearchModule;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.transport.Netty4Plugin;

/**
 * Which documents a real OpenSearch finds, in this process: no port is opened to others, nothing stays.
 *
 * <p>The folder that is given has `mappings.json`, `documents.ndjson`, `clauses.ndjson` (a query's clause a line) and
 * `bodies.ndjson` (a whole search a line). `rows.txt` is written there: for each clause a line of 0 and 1, one for each
 * document; and `responses.ndjson`: for each body the response.
 */
final class OpenSearchRows {
    private static final class Alone extends Node {
        Alone(Settings settings) {
            super(
                InternalSettingsPreparer.prepareEnvironment(settings, Collections.emptyMap(), null, () -> "alone"),
                Collections.singletonList(Netty4Plugin.class),
                false);
        }
    }

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        Settings settings =
            Settings.builder()
                .put("path.home", folder.resolve("home").toString())
                .put("cluster.name", "audit-log-test")
                .put("discovery.type", "single-node")
                .put("network.host", "127.0.0.1")
                .put("transport.type", "netty4")
                .put("http.type", "netty4")
                .put("http.port", "0")
                .put("transport.port", "0")
                .put("cluster.routing.allocation.disk.threshold_enabled", false)
                .build();
        try (Node node = new Alone(settings).start()) {
            Client client = node.client();
            List<String> documents = Files.readAllLines(folder.resolve("documents.ndjson"));
            client.admin()
                .indices()
                .prepareCreate("audit")
                .setSettings(
                    Settings.builder()
                        .put("number_of_shards", 1)
                        .put("number_of_replicas", 0)
                        .put("max_result_window", Math.max(documents.size() + 1, 10_000)))
                .setMapping(Files.readString(folder.resolve("mappings.json")))
                .get();
            for (int start = 0; start < documents.size(); start += 1000) {
                BulkRequestBuilder bulk = client.prepareBulk();
                for (int at = start; at < Math.min(start + 1000, documents.size()); at++) {
                    bulk.add(
                        client.prepareIndex("audit")
                            .setId(Integer.toString(at))
                            .setSource(documents.get(at), XContentType.JSON));
                }
                var indexed = bulk.get();
                if (indexed.hasFailures()) {
                    throw new IllegalStateException(indexed.buildFailureMessage());
                }
            }
            client.admin().indices().prepareRefresh("audit").get();
            List<String> rows = new ArrayList<>();
            for (String clause : Files.readAllLines(folder.resolve("clauses.ndjson"))) {
                SearchResponse found =
                    client.prepareSearch("audit")
                        .setQuery(QueryBuilders.wrapperQuery(clause))
                        .setSize(documents.size())
                        .setFetchSource(false)
                        .get();
                StringBuilder bits = new StringBuilder("0".repeat(documents.size()));
                for (SearchHit hit : found.getHits()) {
                    bits.setCharAt(Integer.parseInt(hit.getId()), '1');
                }
                rows.add(bits.toString());
            }
            Files.write(folder.resolve("rows.txt"), rows);
            var names =
                new NamedXContentRegistry(
                    new SearchModule(Settings.EMPTY, Collections.emptyList()).getNamedXContents());
            List<String> responses = new ArrayList<>();
            for (String body : Files.readAllLines(folder.resolve("bodies.ndjson"))) {
                try (var parser =
                    JsonXContent.jsonXContent.createParser(
                        names, DeprecationHandler.THROW_UNSUPPORTED_OPERATION, body)) {
                    var source = SearchSourceBuilder.fromXContent(parser);
                    responses.add(client.prepareSearch("audit").setSource(source).get().toString());
                }
            }
            Files.write(folder.resolve("responses.ndjson"), responses);
        }
    }
}
