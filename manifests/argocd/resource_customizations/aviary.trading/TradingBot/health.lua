-- The health of a TradingBot, from the types and reasons of its conditions; messages are passed on and never read.
-- What each state means and why: manifests/argocd/README.md.
local function map(value)
  if type(value) == "table" then
    return value
  end
  return {}
end

local metadata, spec, status = map(obj.metadata), map(obj.spec), map(obj.status)

local function condition(kind)
  for _, item in ipairs(map(status.conditions)) do
    if type(item) == "table" and item.type == kind then
      return item
    end
  end
  return {}
end

local function say(health, message)
  local hs = { status = health, message = "" }
  if type(message) == "string" then
    hs.message = message
  end
  return hs
end

if metadata.deletionTimestamp ~= nil then
  return say("Progressing", "is being deleted")
end

local ready = condition("Ready")
local generation = metadata.generation
if type(generation) ~= "number" or status.observedGeneration ~= generation or ready.observedGeneration ~= generation then
  return say("Progressing", "the operator has not looked at this generation yet")
end

-- a person has to do something, whatever else holds
for _, kind in ipairs({ "Halted", "Stalled" }) do
  local item = condition(kind)
  if item.status == "True" then
    return say("Degraded", item.message)
  end
end
for _, kind in ipairs({ "EnvelopeValid", "EnvelopeEnforced" }) do
  local item = condition(kind)
  if item.status == "False" then
    return say("Degraded", item.message)
  end
end

local sync = condition("ConfigInSync")
if spec.suspend == true then
  return say("Suspended", sync.message)
end
if condition("Reconciling").status == "True" then
  return say("Progressing", condition("Reconciling").message)
end

if ready.status == "False" then
  -- not on its way anywhere
  return say("Degraded", ready.message)
end

if ready.status == "True" then
  -- a bot that is off because the spec says so is as it should be; Suspended would hold a sync wave for ever
  if ready.reason == "Disabled" and spec.mode == "Disabled" then
    return say("Healthy", ready.message)
  end
  if sync.status == "True" then
    return say("Healthy", ready.message)
  end
  if sync.reason == "RestartRequired" then
    -- waits for a person, as spec.updatePolicy asks
    return say("Healthy", sync.message)
  end
  if sync.reason == "RetuneRefused" then
    return say("Degraded", sync.message)
  end
  return say("Progressing", sync.message)
end

return say("Progressing", ready.message)
