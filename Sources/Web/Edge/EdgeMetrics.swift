import Devices
import Events
import Forward
import Machine
import Queue

extension EdgeState {
  /// Everything in Prometheus' text format.
  var metrics: String {
    var text = MetricsText()
    text.family("lotline_info", .gauge, "The version that runs and the source that it is.")
    text.sample(1, ["version": version, "source": source.description])
    text.family("lotline_capturing", .gauge, "1 while readings are kept, whatever the central does.")
    text.sample(capture.word == .notCapturing ? 0 : 1)
    if let started {
      text.family("lotline_start_timestamp_seconds", .gauge, "When the daemon was started.")
      text.sample(Double(started.microseconds) / 1e6)
    }
    if let clock {
      text.family("lotline_clock_synchronised", .gauge, "1 while a time source disciplines the PC's clock.")
      text.sample(clock.synchronised ? 1 : 0)
      text.family("lotline_clock_error_seconds", .gauge, "The largest error of the clock that the kernel reckons with.")
      text.sample(clock.errorSeconds)
    }
    queueMetrics(&text)
    deviceMetrics(&text)
    forwardMetrics(&text)
    listenerMetrics(&text)
    settings?.addMetrics(to: &text)
    return text.text
  }

  private func queueMetrics(_ text: inout MetricsText) {
    text.family("lotline_queue_accepting", .gauge, "1 while events can be committed.")
    text.sample(queue.accepts ? 1 : 0)
    text.family("lotline_queue_depth_events", .gauge, "Events that the central has not confirmed.")
    text.sample(unsent)
    text.family("lotline_queue_rows", .gauge, "Events on disk, kept ones included.")
    text.sample(queue.rows)
    text.family("lotline_queue_bytes", .gauge, "Bytes in use by events and journal.")
    text.sample(queue.bytes)
    text.family("lotline_queue_limit_bytes", .gauge, "Bytes that the queue may use.")
    text.sample(queue.limitBytes)
    text.family("lotline_queue_last_sequence", .gauge, "Number of the last event of the current incarnation.")
    text.sample(queue.last)
    text.family("lotline_queue_events_total", .counter, "Events committed since the start.")
    text.sample(queue.counts.events)
    text.family("lotline_queue_commits_total", .counter, "Commits since the start, each one flush of the disk.")
    text.sample(queue.counts.commits)
    text.family("lotline_queue_failures_total", .counter, "Commits that failed since the start.")
    text.sample(queue.counts.failures)
    text.family("lotline_queue_shed_total", .counter, "Periodic readings given up because the queue was nearly full.")
    text.sample(queue.shed)
    text.family(
      "lotline_queue_released_total", .counter, "Events given up before they were in a backup of the central.")
    text.sample(queue.counts.released)
    text.family("lotline_queue_rewinds_total", .counter, "Times that the central had less than it had said before.")
    text.sample(queue.counts.rewinds)
    text.family(
      "lotline_queue_reserve_held", .gauge, "1 while the disk space is held back that lets a full disk drain.")
    text.sample(queue.isReserveHeld ? 1 : 0)
    text.family("lotline_queue_incarnations", .gauge, "Lives of the queue that are known here; a new one is an alarm.")
    text.sample(queue.incarnations.count)
    text.family("lotline_queue_damaged_events", .gauge, "Events found damaged since the start.")
    text.sample(queue.damaged.count)
    text.family("lotline_held_events", .gauge, "Events that the central refuses for what they say, kept here.")
    text.sample(held.count)
  }

  private func deviceMetrics(_ text: inout MetricsText) {
    text.family("lotline_device_up", .gauge, "1 while the device answers as it should.")
    for device in devices { text.sample(device.state == .online ? 1 : 0, ["device": device.name]) }
    text.family("lotline_device_polls_total", .counter, "Requests answered well, or frames read.")
    for device in devices { text.sample(device.good, ["device": device.name]) }
    text.family("lotline_device_faults_total", .counter, "Refused answers and failures, by kind.")
    for device in devices {
      for (kind, count) in device.faults.sorted(by: { $0.key < $1.key }) {
        text.sample(count, ["device": device.name, "kind": kind])
      }
    }
    text.family(
      "lotline_device_replacements_total", .counter, "Times that a device's code hung and it was started anew.")
    for device in devices { text.sample(device.replacements, ["device": device.name]) }
    text.family("lotline_device_missed_polls_total", .counter, "Polls that were due and not made.")
    for device in devices { text.sample(device.missedPolls, ["device": device.name]) }
    text.family(
      "lotline_device_repeated_cycles_total", .counter,
      "Cycles that a device showed again although they were on disk: acknowledged again, and not recorded.")
    for device in devices { text.sample(device.repeatedCycles, ["device": device.name]) }
    text.family("lotline_device_last_good_timestamp_seconds", .gauge, "The last good answer or frame.")
    for device in devices {
      if let last = device.lastGood {
        text.sample(Double(last.microseconds) / 1e6, ["device": device.name, "kind": device.kind])
      }
    }
  }

  private func listenerMetrics(_ text: inout MetricsText) {
    text.family("lotline_listener_up", .gauge, "1 while it can be asked.")
    for listener in listeners { text.sample(listener.isListening == true ? 1 : 0, ["listener": listener.name]) }
    text.family("lotline_listener_failures_total", .counter, "Attempts to listen that failed since the start.")
    for listener in listeners { text.sample(listener.failures, ["listener": listener.name]) }
  }

  private func forwardMetrics(_ text: inout MetricsText) {
    guard let forward else { return }
    text.family(
      "lotline_central_away_seconds", .gauge, "How long the central has been away or has refused; 0 while not.")
    text.sample(capture.centralAway(at: now).inSeconds)
    text.family("lotline_forward_up", .gauge, "1 while the central takes events.")
    text.sample(forward.state == .idle || forward.state == .sending ? 1 : 0)
    text.family("lotline_forward_events_total", .counter, "Events sent, those sent again included.")
    text.sample(forward.events)
    text.family("lotline_forward_batches_total", .counter, "Batches that the central answered.")
    text.sample(forward.batches)
    text.family("lotline_forward_bytes_total", .counter, "Bytes of events sent.")
    text.sample(forward.bytes)
    text.family("lotline_forward_faults_total", .counter, "Steps towards the central that failed, by kind.")
    for (kind, count) in forward.faults.sorted(by: { $0.key < $1.key }) { text.sample(count, ["kind": kind]) }
    text.family("lotline_forward_conflicts_total", .counter, "Times that the central had another history.")
    text.sample(forward.conflicts)
    text.family("lotline_forward_received_through", .gauge, "The central has all events up to this number.")
    text.sample(forward.receivedThrough)
    text.family("lotline_forward_safe_through", .gauge, "The central has all events up to this number in a backup too.")
    text.sample(forward.safeThrough)
    if let contact = forward.lastContact {
      text.family("lotline_forward_last_contact_timestamp_seconds", .gauge, "The last answer of the central.")
      text.sample(Double(contact.microseconds) / 1e6)
    }
  }
}
