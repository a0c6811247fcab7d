// A reference client of Relay's `POST /v1/activities`: batches, a bounded queue on disk, retries with back-off, signatures.
// Kotlin 1.9 on Android (API 26) or a JVM (11), no dependencies beyond org.json, which Android has. Apache-2.0.

import java.io.ByteArrayOutputStream
import java.io.File
import java.io.IOException
import java.net.HttpURLConnection
import java.net.URL
import java.util.UUID
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.zip.GZIPOutputStream
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec
import kotlin.math.min
import kotlin.random.Random
import org.json.JSONException
import org.json.JSONObject

private const val MAX_ITEMS = 500 // of a batch; Relay takes no more
private const val MAX_BATCH_CHARS = 1_000_000 // at most 3 bytes each in UTF-8, unpacked; Relay takes 4 MiB
private const val MAX_QUEUED = 10_000 // what is older is worth more than what is newer, so a full queue takes no more
private const val SEND_EVERY_MS = 10_000L
private const val ANSWER_WITHIN_MS = 35_000 // longer than the 29 s after which API Gateway gives up
private const val FIRST_BACK_OFF_MS = 1_000L
private const val LONGEST_BACK_OFF_MS = 300_000L

/**
 * [url]: the API, without a path. [key]: an ingest key. [queueFile]: one activity a line, kept over a restart; of one process alone.
 * [signingSecret]: where the owner has batches signed; only in a program that nobody else can take apart.
 * [onRejected]: told of each activity that Relay will never take, with a code; it is not sent again. Must not throw.
 */
class Relay(
    private val url: String,
    private val key: String,
    private val appToken: String,
    private val queueFile: File,
    private val signingSecret: String? = null,
    private val onRejected: (JSONObject, String) -> Unit = { _, _ -> },
) {
    // One thread does everything: the queue and its file need no lock, and there is one request at a time.
    private val thread = Executors.newSingleThreadScheduledExecutor { Thread(it, "relay").apply { isDaemon = true } }
    private val queue = ArrayDeque<String>()
    private var failures = 0
    private var quietUntil = 0L

    init {
        thread.execute { if (queueFile.exists()) queueFile.forEachLine { if (parse(it).has("event_id")) queue.add(it) } }
        thread.scheduleWithFixedDelay(::sendAll, 0, SEND_EVERY_MS, TimeUnit.MILLISECONDS)
    }

    /** Queues an activity. Its time and id are set here, once: that makes a retry harmless. */
    fun track(activity: Map<String, Any>) {
        val whole = JSONObject(mapOf("kind" to "event", "app_token" to appToken))
            .put("created_at", System.currentTimeMillis())
            .put("event_id", UUID.randomUUID().toString())
        activity.forEach { (name, value) -> whole.put(name, value) }
        val line = whole.toString()
        thread.execute {
            if (queue.size < MAX_QUEUED) {
                queue.add(line)
                queueFile.appendText(line + "\n")
            }
        }
    }

    /** Sends what is queued soon, unless Relay has to be left alone for a while: for when the app goes to the background. */
    fun flush() = thread.execute(::sendAll)

    private fun sendAll() {
        try {
            while (queue.isNotEmpty() && System.currentTimeMillis() >= quietUntil) {
                val batch = nextBatch()
                val retryAfterMs = send(batch)
                if (retryAfterMs != null) {
                    val longest = min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS shl min(failures++, 20))
                    quietUntil = System.currentTimeMillis() + retryAfterMs + Random.nextLong(longest + 1)
                    return
                }
                failures = 0
                repeat(batch.size) { queue.removeFirst() }
                save()
            }
        } catch (e: Exception) {
            // A task that throws is never run again. A disk that is full, say, is no reason: the queue is still in memory, and its turn comes again.
        }
    }

    /** Settles a batch, or answers after how many milliseconds at least it is to be sent again, whole. */
    private fun send(batch: List<String>): Long? {
        try {
            val body = gzip(batch.joinToString("\n"))
            val connection = URL("$url/v1/activities").openConnection() as HttpURLConnection
            connection.requestMethod = "POST"
            connection.doOutput = true
            connection.connectTimeout = ANSWER_WITHIN_MS
            connection.readTimeout = ANSWER_WITHIN_MS
            connection.setFixedLengthStreamingMode(body.size)
            connection.setRequestProperty("Authorization", "Bearer $key")
            // Compressed bodies never as JSON: API Gateway would pass them on as text.
            connection.setRequestProperty("Content-Type", "application/x-ndjson")
            connection.setRequestProperty("Content-Encoding", "gzip")
            signingSecret?.let { connection.setRequestProperty("X-Relay-Signature", sign(it, body, System.currentTimeMillis())) }
            connection.outputStream.use { it.write(body) }
            val status = connection.responseCode
            val stream = if (status < 400) connection.inputStream else connection.errorStream
            val text = stream?.use { it.readBytes().decodeToString() }.orEmpty()
            return settle(batch, status, parse(text), connection.getHeaderField("Retry-After"))
        } catch (e: IOException) {
            return 0 // No answer: it may be stored or not. The same ids make it harmless to send it again.
        }
    }

    private fun settle(batch: List<String>, status: Int, answer: JSONObject, retryAfter: String?): Long? {
        if (status == 200 && answer.has("accepted")) {
            val rejected = answer.getJSONArray("rejected")
            for (place in 0 until rejected.length()) {
                val one = rejected.getJSONObject(place)
                onRejected(JSONObject(batch[one.getInt("index")]), one.getString("code"))
            }
            return null
        }
        if (status in 400..499 && status != 429) {
            val code = answer.optString("type", "http-$status")
            batch.forEach { onRejected(JSONObject(it), code) }
            return null
        }
        // 429, 5xx, or a 200 that is not Relay's: a hotel's log-in page answers so, too.
        return (retryAfter?.toLongOrNull() ?: 0) * 1000
    }

    private fun nextBatch(): List<String> {
        var chars = 0
        return queue.asSequence().take(MAX_ITEMS)
            .withIndex().takeWhile { (index, line) -> chars += line.length; index == 0 || chars <= MAX_BATCH_CHARS }
            .map { it.value }.toList()
    }

    /** Written beside it and moved over it: a crash leaves the old queue or the new one. */
    private fun save() {
        val fresh = File(queueFile.path + ".new")
        fresh.bufferedWriter().use { writer -> queue.forEach { writer.appendLine(it) } }
        if (!fresh.renameTo(queueFile)) throw IOException("$queueFile cannot be replaced")
    }
}

/** The header `X-Relay-Signature` of a body, as it is sent. Sign each attempt anew: a signature holds for five minutes. */
fun sign(secret: String, body: ByteArray, nowMs: Long): String {
    val time = nowMs / 1000
    val mac = Mac.getInstance("HmacSHA256").apply { init(SecretKeySpec(secret.toByteArray(), algorithm)) }
    mac.update("$time.".toByteArray())
    return "t=$time,v1=" + mac.doFinal(body).joinToString("") { "%02x".format(it) }
}

private fun gzip(text: String): ByteArray {
    val packed = ByteArrayOutputStream()
    GZIPOutputStream(packed).use { it.write(text.toByteArray()) }
    return packed.toByteArray()
}

private fun parse(text: String): JSONObject = try { JSONObject(text) } catch (e: JSONException) { JSONObject() }
