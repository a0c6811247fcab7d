// A reference client of Relay's `POST /v1/activities`: batches, a bounded queue on disk, retries with back-off, signatures.
// Swift 5.9, iOS 15 or macOS 12, no dependencies. Apache-2.0.
// Not compressed: Apple's frameworks make no gzip files, and a library for them is not worth batches of some kilobytes.

import CryptoKit
import Foundation

private let maxItems = 500 // of a batch; Relay takes no more
private let maxBatchBytes = 1_000_000 // Relay takes 4 MiB
private let maxQueued = 10_000 // what is older is worth more than what is newer, so a full queue takes no more
private let sendEvery: TimeInterval = 10
private let answerWithin: TimeInterval = 35 // longer than the 29 s after which API Gateway gives up
private let firstBackOff: TimeInterval = 1
private let longestBackOff: TimeInterval = 300

/// An actor: the queue and its file need no lock, and there is one request at a time.
public actor Relay {
    /// Told of each activity that Relay will never take, with a code; it is not sent again.
    public typealias Rejected = @Sendable (_ activity: [String: Any], _ code: String) -> Void

    private let url: URL
    private let key: String
    private let appToken: String
    private let queueFile: URL
    private let signingSecret: String?
    private let session: URLSession
    private let onRejected: Rejected
    /// One activity each, as JSON in one line, as it stands in the file.
    private var queue: [Data]
    private var sending = false
    private var failures = 0
    private var quietUntil = Date.distantPast

    /// `url`: the API, without a path. `key`: an ingest key. `queueFile`: kept over a restart; of one process alone, in a folder that is not backed up.
    /// `signingSecret`: where the owner has batches signed; only in a program that nobody else can take apart.
    public init(
        url: URL, key: String, appToken: String, queueFile: URL, signingSecret: String? = nil,
        session: URLSession = .shared, onRejected: @escaping Rejected = { _, _ in }
    ) {
        self.url = url.appendingPathComponent("v1/activities")
        self.key = key
        self.appToken = appToken
        self.queueFile = queueFile
        self.signingSecret = signingSecret
        self.session = session
        self.onRejected = onRejected
        queue = ((try? Data(contentsOf: queueFile)) ?? Data()).split(separator: UInt8(ascii: "\n")).map { Data($0) }
    }

    /// Sends every ten seconds, until its task is cancelled: `Task { await relay.run() }`.
    public func run() async {
        while !Task.isCancelled {
            await flush()
            try? await Task.sleep(nanoseconds: UInt64(sendEvery * 1_000_000_000))
        }
    }

    /// Queues an activity. Its time and id are set here, once: that makes a retry harmless. False where the queue is full.
    @discardableResult
    public func track(_ activity: [String: Any]) -> Bool {
        var whole: [String: Any] = [
            "kind": "event", "app_token": appToken, "event_id": UUID().uuidString,
            "created_at": Int64(Date().timeIntervalSince1970 * 1000),
        ]
        whole.merge(activity) { _, given in given }
        guard queue.count < maxQueued, JSONSerialization.isValidJSONObject(whole),
            let line = try? JSONSerialization.data(withJSONObject: whole)
        else { return false }
        queue.append(line)
        save()
        return true
    }

    /// Sends what is queued, unless Relay has to be left alone for a while. Call it when the app goes to the background, within a background task.
    public func flush() async {
        // An actor lets others in while it waits for an answer: two of them must not send the same.
        guard !sending else { return }
        sending = true
        defer { sending = false }
        while !queue.isEmpty, Date() >= quietUntil {
            let batch = nextBatch()
            if let retryAfter = await send(batch) {
                let longest = min(longestBackOff, firstBackOff * pow(2, Double(min(failures, 20))))
                failures += 1
                quietUntil = Date().addingTimeInterval(retryAfter + TimeInterval.random(in: 0...longest))
                return
            }
            failures = 0
            queue.removeFirst(batch.count)
            save()
        }
    }

    /// Settles a batch, or answers after how many seconds at least it is to be sent again, whole.
    private func send(_ batch: [Data]) async -> TimeInterval? {
        let body = Data(batch.joined(separator: [UInt8(ascii: "\n")]))
        var request = URLRequest(url: url, timeoutInterval: answerWithin)
        request.httpMethod = "POST"
        request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization")
        request.setValue("application/x-ndjson", forHTTPHeaderField: "Content-Type")
        if let signingSecret {
            request.setValue(sign(signingSecret, body, Date()), forHTTPHeaderField: "X-Relay-Signature")
        }
        guard let (data, response) = try? await session.upload(for: request, from: body),
            let http = response as? HTTPURLResponse
        else { return 0 }  // No answer: it may be stored or not. The same ids make it harmless to send it again.
        let answer = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:]
        switch http.statusCode {
        case 200 where answer["accepted"] is Int:
            for rejected in answer["rejected"] as? [[String: Any]] ?? [] {
                guard let index = rejected["index"] as? Int, batch.indices.contains(index) else { continue }
                tell(batch[index], rejected["code"] as? String)
            }
            return nil
        case 400..<500 where http.statusCode != 429:
            batch.forEach { tell($0, answer["type"] as? String ?? "http-\(http.statusCode)") }
            return nil
        default:
            // 429, 5xx, or a 200 that is not Relay's: a hotel's log-in page answers so, too.
            return http.value(forHTTPHeaderField: "Retry-After").flatMap(TimeInterval.init) ?? 0
        }
    }

    private func tell(_ line: Data, _ code: String?) {
        let activity = (try? JSONSerialization.jsonObject(with: line)) as? [String: Any]
        onRejected(activity ?? [:], code ?? "unknown")
    }

    private func nextBatch() -> [Data] {
        var bytes = 0
        let end = queue.prefix(maxItems).firstIndex { line in
            bytes += line.count + 1
            return bytes > maxBatchBytes
        }
        return Array(queue.prefix(max(1, end ?? maxItems)))
    }

    /// Atomic: a crash leaves the old queue or the new one.
    private func save() {
        try? Data(queue.joined(separator: [UInt8(ascii: "\n")])).write(to: queueFile, options: .atomic)
    }
}

/// The header `X-Relay-Signature` of a body, as it is sent. Sign each attempt anew: a signature holds for five minutes.
func sign(_ secret: String, _ body: Data, _ now: Date) -> String {
    let time = Int64(now.timeIntervalSince1970)
    let signature = HMAC<SHA256>.authenticationCode(for: Data("\(time).".utf8) + body, using: SymmetricKey(data: Data(secret.utf8)))
    return "t=\(time),v1=" + signature.map { String(format: "%02x", $0) }.joined()
}
